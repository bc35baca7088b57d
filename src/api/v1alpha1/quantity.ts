/** An amount of a resource as Kubernetes writes it: a decimal number and a suffix. */
export const QUANTITY =
  /^([0-9]{1,12}m|[0-9]{1,6}(\.[0-9]{1,3})?(k|M|G|T|Ki|Mi|Gi|Ti)|[0-9]{1,15}(\.[0-9]{1,3})?)$/;

const DECIMAL = ['m', '', 'k', 'M', 'G', 'T', 'P', 'E'] as const;
const BINARY = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'] as const;
/** Quantities are compared in billionths, so that every one that the expression allows is a whole number. */
const NANO = 1_000_000_000n;

// Most amounts are the same few.
const known = new Map<string, bigint | undefined>();
const MAX_KNOWN = 1000;

/** The amount in billionths; undefined where the text is not a quantity. */
export function quantityNanos(text: string): bigint | undefined {
  if (known.has(text)) return known.get(text);
  const nanos = nanosIn(text);
  if (known.size < MAX_KNOWN) known.set(text, nanos);
  return nanos;
}

function nanosIn(text: string): bigint | undefined {
  if (!QUANTITY.test(text)) return undefined;
  const suffix = /[A-Za-z]*$/.exec(text)?.[0] ?? '';
  const [whole = '0', fraction = ''] = text.slice(0, text.length - suffix.length).split('.');
  const digits = BigInt(whole) * NANO + BigInt(fraction.padEnd(9, '0'));
  if (suffix.endsWith('i')) return digits * 1024n ** BigInt(BINARY.indexOf(suffix as 'Ki'));
  if (suffix === 'm') return digits / 1000n;
  return digits * 1000n ** BigInt(DECIMAL.indexOf(suffix as 'k') - 1);
}

/** The quantity as the API server gives it back: `1000m` is `1`, `1024Mi` is `1Gi`, `0.5` is `500m`. */
export function canonicalQuantity(text: string): string {
  const nanos = quantityNanos(text);
  if (nanos === undefined) return text;
  if (nanos === 0n) return '0';
  return text.endsWith('i') ? (binary(nanos) ?? decimal(nanos)) : decimal(nanos);
}

function binary(nanos: bigint): string | undefined {
  if (nanos % NANO !== 0n) return undefined;
  let [value, power] = [nanos / NANO, 0];
  while (value % 1024n === 0n && power < BINARY.length - 1) {
    value /= 1024n;
    power += 1;
  }
  return `${value}${BINARY[power]}`;
}

function decimal(nanos: bigint): string {
  // Every amount that the expression allows is a whole number of thousandths.
  let [value, power] = [nanos / 1_000_000n, 0];
  while (value % 1000n === 0n && power < DECIMAL.length - 1) {
    value /= 1000n;
    power += 1;
  }
  return `${value}${DECIMAL[power]}`;
}
