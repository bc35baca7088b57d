import type {z} from 'zod';

/**
 * One rule about a value, said twice: in CEL for the API server, and in TypeScript for the reconciler's own check.
 * Standing side by side they are kept alike; a property test against a real API server proves that they agree.
 */
export interface Rule<T> {
  /** The CEL expression; `self` is the value. */
  readonly rule: string;
  /** What to write instead, for a person. The API server puts the field's path before it. */
  readonly message: string;
  /** A CEL expression that makes a more exact message than `message`. */
  readonly messageExpression?: string;
  /** The field below the value that is at fault, as CEL's fieldPath writes it: `.replicas`. */
  readonly fieldPath?: string;
  /** The same as `rule`. Runs only on a value whose shape is right. */
  readonly holds: (value: T) => boolean;
  /** A more exact message; CEL's cost estimate has no room for numbers in a text. */
  readonly explain?: (value: T) => string;
}

/** The key by which a rule list stands in a schema's metadata, and so in the CRD. */
export const VALIDATIONS = 'x-kubernetes-validations';

/** The schema with the rules both in its check and in its metadata, beside those that it has. */
export function withRules<S extends z.ZodType>(schema: S, rules: readonly Rule<z.output<S>>[]): S {
  const checked = schema.superRefine((value, context) => {
    for (const rule of rules) {
      if (rule.holds(value)) continue;
      context.addIssue({
        code: 'custom',
        message: rule.explain?.(value) ?? rule.message,
        path: rule.fieldPath === undefined ? [] : rule.fieldPath.slice(1).split('.'),
      });
    }
  });
  const validations = rules.map(({rule, message, messageExpression, fieldPath}) => ({
    rule,
    message,
    ...(messageExpression !== undefined && {messageExpression}),
    ...(fieldPath !== undefined && {fieldPath}),
  }));
  const there = (schema.meta()?.[VALIDATIONS] ?? []) as typeof validations;
  return checked.meta({...schema.meta(), [VALIDATIONS]: [...there, ...validations]});
}

/**
 * The schema with a rule about how its value may change, for the API server alone: it knows the value before
 * (`oldSelf`).
 */
export function withTransition<S extends z.ZodType>(
  schema: S,
  rule: {
    readonly rule: string;
    readonly message: string;
    readonly messageExpression?: string;
    readonly fieldPath?: string;
  },
): S {
  const there = (schema.meta()?.[VALIDATIONS] ?? []) as readonly object[];
  return schema.meta({...schema.meta(), [VALIDATIONS]: [...there, rule]});
}

/** A rule that a string matches an expression. The expression is RE2 and JavaScript at once. */
export function matches(pattern: RegExp, message: string): Rule<string> {
  return {rule: `self.matches(${celString(pattern.source)})`, message, holds: (value) => pattern.test(value)};
}

/** A string literal of CEL. */
export function celString(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
