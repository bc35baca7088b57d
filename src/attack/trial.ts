import type {Answer, Target} from './target.ts';

/** One kind of attack: what it tries stands in `title`, for the report. */
export interface Attack {
  readonly name: string;
  readonly title: string;
  run(target: Target, trial: Trial): Promise<void>;
}

/** What became of one attack. */
export class Trial {
  tried = 0;
  /** Answers with 429, or 503 and when to come again, which tell nothing of what was tried. */
  limited = 0;
  /** Why some of it could not be tried. */
  readonly notes: string[] = [];
  /** What did not hold: what was sent, and what came. */
  readonly failures: string[] = [];

  /** Counts one try. `held` says whether the answer is one that a sound server gives. */
  expect(what: string, answer: Answer, held: (answer: Answer) => boolean): void {
    const shed = answer.status === 503 && answer.headers['retry-after'] !== undefined;
    if (answer.status === 429 || shed) {
      this.limited++;
      return;
    }
    this.tried++;
    if (!held(answer))
      this.failures.push(`${what}: answered ${answer.status === 0 ? 'nothing' : answer.status}`);
  }

  /** The same for what is no single answer. */
  check(what: string, held: boolean): void {
    this.tried++;
    if (!held) this.failures.push(what);
  }

  note(text: string): void {
    this.notes.push(text);
  }
}

/** A clear no: neither success, nor a redirect, nor a fault of the server. */
export const refused = ({status}: Answer): boolean => status >= 400 && status < 500;
/** Refused, or the connection closed. */
export const refusedOrClosed = (answer: Answer): boolean => answer.status === 0 || refused(answer);
/** A 401. */
export const unauthorized = ({status}: Answer): boolean => status === 401;

/** The JSON in an answer's body, whatever stands around it; undefined where there is none. */
export function jsonOf({body}: Answer): unknown {
  const start = body.search(/[[{]/);
  const end = Math.max(body.lastIndexOf('}'), body.lastIndexOf(']'));
  if (start < 0 || end < start) return undefined;
  try {
    return JSON.parse(body.slice(start, end + 1));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The first provider's name: with several, a login must name one. */
export async function providerOf(target: Target): Promise<string | undefined> {
  const list = jsonOf(await target.ask('/auth/providers'));
  const [first] = Array.isArray(list) ? (list as {name?: unknown}[]) : [];
  return typeof first?.name === 'string' ? first.name : undefined;
}
