/** The object that a problem is about, in the resource's own namespace. */
interface ObjectRef {
  readonly apiVersion?: string | undefined;
  readonly kind: string;
  readonly name: string;
  readonly key?: string | undefined;
}

/**
 * Something that keeps the service from being as its spec says. `reason` is a CamelCase word that people alert on;
 * `message` says what is wrong and `hint` what to do, both for a person, neither with a secret.
 */
export interface Problem {
  readonly reason: string;
  readonly message: string;
  readonly hint: string;
  readonly objectRef?: ObjectRef;
}

/** Message and hint as one text that is readable on its own. */
export function sentence(problem: Pick<Problem, 'message' | 'hint'>): string {
  return [problem.message, problem.hint]
    .filter((part) => part !== '')
    .map(withStop)
    .join(' ');
}

/** A text that another may follow. One that says nothing goes on saying nothing. */
export function withStop(text: string): string {
  return text === '' || /[.!?\u2026]$/.test(text) ? text : `${text}.`;
}
