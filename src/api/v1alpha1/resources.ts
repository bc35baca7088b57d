import {z} from 'zod';
import {QUANTITY, quantityNanos} from './quantity.ts';
import {celString, withRules} from './rules.ts';

/** A quantity: a number of cores or bytes, or the same with a suffix. */
function quantity(example: string, description: string) {
  return withRules(z.union([z.int().min(0).max(Number.MAX_SAFE_INTEGER), z.string().max(32)]), [
    {
      rule: `type(self) == string ? string(self).matches(${celString(QUANTITY.source)}) : int(self) >= 0`,
      message: `must be an amount such as ${example}`,
      holds: (value) => (typeof value === 'string' ? QUANTITY.test(value) : value >= 0),
    },
  ])
    .optional()
    .meta({'x-kubernetes-int-or-string': true, description});
}

const amounts = z.object({
  cpu: quantity('100m or 2', 'Cores: 500m is half a core.'),
  memory: quantity('256Mi', 'Bytes: 256Mi is 256 × 1024 × 1024.'),
});
type Amounts = z.output<typeof amounts>;

const NAMES = ['cpu', 'memory'] as const;

export const resources = withRules(
  z.object({
    requests: amounts.optional().meta({description: 'What is reserved for a pod.'}),
    limits: amounts.optional().meta({description: 'The most that a pod may use.'}),
  }),
  NAMES.map((name) => ({
    rule:
      `!has(self.requests) || !has(self.requests.${name}) || !has(self.limits) || !has(self.limits.${name})` +
      ` || !isQuantity(string(self.requests.${name})) || !isQuantity(string(self.limits.${name}))` +
      ` || quantity(string(self.requests.${name})).compareTo(quantity(string(self.limits.${name}))) <= 0`,
    message: `requests.${name} cannot be above limits.${name}: lower the request or raise the limit`,
    fieldPath: `.requests.${name}`,
    holds: ({requests, limits}: {requests?: Amounts | undefined; limits?: Amounts | undefined}) =>
      atMost(requests?.[name], limits?.[name]),
  })),
);

/** Whether the first amount is not above the second; true where one is missing or no quantity. */
function atMost(low: number | string | undefined, high: number | string | undefined): boolean {
  if (low === undefined || high === undefined) return true;
  const [a, b] = [quantityNanos(String(low)), quantityNanos(String(high))];
  return a === undefined || b === undefined || a <= b;
}
