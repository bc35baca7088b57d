import {createHash} from 'node:crypto';
import {canonical} from '../../kube/canonical.ts';
import type {Alias} from '../decide/decision.ts';
import type {Difference} from './differences.ts';
import type {Field} from './fields.ts';

/** One write that the operator would make. */
export interface Change {
  readonly verb: 'Create' | 'Update' | 'Delete' | 'Run';
  readonly kind: string;
  readonly name: string;
  readonly fields: readonly Field[];
  /** Why, where the change does not speak for itself. */
  readonly why?: string;
  /** Stands for what is made of the object, wherever it comes from: by this a change that was let through is known. */
  readonly hash: string;
  /** Stands for all of the change, also for what is there now: the hash of a plan is made of these. */
  readonly exact: string;
  /** What `hash` was when something that this depends on, or the object itself, was only planned. */
  readonly asPlanned: readonly string[];
  /** Which fields of an object that is there it changes, each in short. */
  readonly touches: readonly string[];
}

/** What makes a change what it is, in full, whatever is told of it. */
export interface Content {
  /** What is sent. */
  readonly target: unknown;
  /** What is sent while the object is only planned. */
  readonly planned?: unknown;
  /** The fields of an object that is there, as they are and as they will be. */
  readonly difference?: readonly Difference[];
}

/**
 * A change with the hashes by which it is known. `told` is what a person reads; `aliases` are texts that were others when
 * it was planned.
 */
export function changeOf(
  told: Pick<Change, 'verb' | 'kind' | 'name' | 'fields' | 'why'>,
  {target, planned = target, difference = []}: Content,
  aliases: readonly Alias[],
): Change {
  const {verb, kind, name} = told;
  const texts = [target, planned].map((content) => canonical({verb, kind, name, content}));
  const unmade = texts.map((text) => aliases.reduce((all, [now, then]) => all.replaceAll(now, then), text));
  const [hash = '', ...others] = [...texts, ...unmade].map(digest);
  return {
    ...told,
    hash,
    exact: digest(canonical({hash, difference})),
    asPlanned: [...new Set(others)].filter((each) => each !== hash),
    touches: difference.map(({path}) => digest(path.join('\n')).slice(0, 6)),
  };
}

/** The hash of a plan: of its changes in their order, and of whose plan it is. */
export function planHash(uid: string, changes: readonly Pick<Change, 'exact'>[], after = ''): string {
  return digest([uid, after, ...changes.map(({exact}) => exact)].join('\n'));
}

/** Whether an approved hash stands for that very change. */
export function isChange(approved: {readonly hash: string}, change: Change): boolean {
  return approved.hash === change.hash || change.asPlanned.includes(approved.hash);
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
