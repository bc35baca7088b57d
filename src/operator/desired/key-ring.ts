import {z} from 'zod';
import {RecentMap} from '../../support/recent-map.ts';

const ALGORITHMS = ['RS256', 'ES256', 'EdDSA'] as const;
const time = z.iso.datetime().transform((text) => Date.parse(text));

const boundSchema = z.object({
  /** In seconds. */
  seconds: z.int().min(0),
  /** From when on the smaller value that the spec has by now may count; see `follow`. */
  lowerAt: time.optional(),
});

const keySchema = z.object({
  kid: z.string().min(1),
  algorithm: z.enum(ALGORITHMS),
  state: z.enum(['Published', 'Signing', 'Retiring']),
  since: time,
  /** Published: it signs as soon as that is safe, not by the schedule. */
  asked: z.boolean().optional(),
  /** Published: since when every replica serves it. */
  servedSince: time.optional(),
  /** Retiring: when the last token that it signed has expired. Not known before every replica signs with another. */
  retireAt: time.optional(),
});

const ringSchema = z.object({
  keys: z
    .array(keySchema)
    .refine((keys) => new Set(keys.map(({kid}) => kid)).size === keys.length)
    .refine((keys) => keys.filter(({state}) => state === 'Signing').length <= 1),
  /** The last request to rotate that was taken up. */
  request: z.string().optional(),
  /** The last key that was taken away on request. */
  retired: z.string().optional(),
  /** How long others may have kept a JWK Set, and how long tokens may be valid, of whatever replica still runs. */
  maxAge: boundSchema,
  tokenTTL: boundSchema,
});

/** A key on its way through its states. Times are milliseconds since the epoch. */
export type RingKey = z.output<typeof keySchema>;
/** All that a rotation has to remember: it stands in the annotation of the Secret, beside the keys themselves. */
export type KeyRing = z.output<typeof ringSchema>;
/** A time that others go by, and from when on a smaller one may count. */
export type Bound = z.output<typeof boundSchema>;

/** The annotation in which the ring stands. */
export const RING = 'auth.fraiseql.dev/key-ring';
/** The entry of the Secret's data that tells the servers which key signs. */
export const KEY_LIST = 'keys.json';

/** The ring as the annotation's text. */
export function writeRing(ring: KeyRing): string {
  return JSON.stringify(ring, (name, value: unknown) =>
    typeof value === 'number' && name !== 'seconds' ? new Date(value).toISOString() : value,
  );
}

// A pass asks several times.
const recent = new RecentMap<string, {readonly ring: KeyRing | undefined}>(64);

/** The ring of an annotation; undefined where there is none, or somebody has broken it. */
export function readRing(text: string | undefined): KeyRing | undefined {
  if (text === undefined) return undefined;
  const known = recent.get(text) ?? {ring: ringIn(text)};
  recent.set(text, known);
  return known.ring;
}

function ringIn(text: string): KeyRing | undefined {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  const result = ringSchema.safeParse(content);
  return result.success ? result.data : undefined;
}

/** What the servers read: the keys in the order of their names, exactly one of which signs. */
export function keyList(keys: readonly Pick<RingKey, 'kid' | 'algorithm' | 'state'>[]): string {
  const signingKeys = keys
    .toSorted((a, b) => (a.kid < b.kid ? -1 : 1))
    .map(({kid, algorithm, state}) => ({
      kid,
      algorithm,
      file: `${kid}.pem`,
      use: state === 'Signing' ? 'sign' : 'verify',
    }));
  return `${JSON.stringify({signingKeys}, undefined, 1)}\n`;
}
