import type {FraiseQLAuth, FraiseQLAuthStatus} from '../../api/v1alpha1/fraiseqlauth.ts';
import {isApiError} from '../../kube/client.ts';
import type {Clock} from '../../support/clock.ts';
import type {Problem} from '../problem.ts';
import {conditionsFrom, isUnknown} from '../status/conditions.ts';
import {blockedOn} from '../status/blocked-on.ts';
import {sentence} from '../problem.ts';
import type {Failure} from './act.ts';

const FAILURES = 3;
const SOON_MS = 3000;
const LASTS_MS = 15_000;

/** Failures of resources in a row. One that passes by itself is nobody's business; one that lasts is told. */
export class Failing {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #known = new Map<string, {count: number; readonly since: number}>();

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** A pass failed. True where that has been so for a while. */
  failed(key: string): boolean {
    const now = this.#clock.monotonic();
    const known = this.#known.get(key) ?? {count: 0, since: now};
    known.count++;
    this.#known.set(key, known);
    return now - known.since >= (known.count >= FAILURES ? SOON_MS : LASTS_MS);
  }

  /** A pass went well, or the resource is gone. */
  forget(key: string): void {
    this.#known.delete(key);
  }
}

/** What a person is told of a failure that lasts. */
export function failureProblem(error: unknown, subject?: Failure['subject']): Problem {
  const what = subject === undefined ? '' : ` at ${subject.kind} ${subject.name}`;
  if (!isApiError(error)) {
    // Its message may hold anything; the log has it.
    const name = error instanceof Error ? error.name : 'Error';
    return {
      reason: 'OperatorError',
      message: `The operator fails${what} by a mistake of its own (${name})`,
      hint: 'It is tried again and again. The log of the operator has the whole of it: please report it',
    };
  }
  const webhook = /calling webhook "([^"]+)"/.exec(error.message)?.[1];
  return {
    reason: 'APIServerError',
    message: `The API server fails${what}: ${withoutPorts(error.message)}`,
    hint:
      webhook === undefined
        ? 'It is tried again by itself. Where it lasts, see the API server and what stands before it'
        : `It is tried again by itself. Admission webhook ${webhook} has to answer: see the pods behind its Service, or remove its configuration where nobody needs it`,
    ...(subject && {objectRef: subject}),
  };
}

/** The status where a pass came to no end: what was known before, and why nothing more is. */
export function statusFailing(
  {metadata, status}: FraiseQLAuth,
  problem: Problem,
  now: number,
): FraiseQLAuthStatus {
  const finding = {Ready: isUnknown(problem.reason, sentence(problem))};
  const others = (status?.conditions ?? []).filter(({type}) => type !== 'Ready');
  const ready = conditionsFrom(finding, status?.conditions, metadata.generation, now);
  return {
    ...status,
    blockedOn: blockedOn([problem], status, now) ?? [],
    conditions: [...ready, ...others],
  };
}

/** Addresses from which a connection was tried are others each time, and would make each time another message. */
function withoutPorts(message: string): string {
  return message.replaceAll(/\S+:\d+->/g, '');
}
