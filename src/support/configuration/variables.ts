import {z} from 'zod';
import {ALGORITHMS} from './configuration.ts';
import {checkHost, checkOrigin, checkUrl, type Checked} from './urls.ts';

// Every variable that is no secret and belongs to no provider. The messages stand after the variable's name.

const integer = (low: number, high: number, what: string) => {
  const message = `must be a whole number from ${low} to ${high} (${what})`;
  return z
    .string()
    .regex(/^\d{1,9}$/, message)
    .transform(Number)
    .pipe(z.int().min(low, message).max(high, message));
};

/** Runs one of the address checks inside a zod schema. */
const checkedBy = <T>(check: (text: string) => Checked<T>) =>
  z.string().transform((text, context): T => {
    const checked = check(text);
    if (checked.ok) return checked.value;
    context.addIssue({code: 'custom', message: checked.problem});
    return z.NEVER;
  });

const list = <T extends z.ZodType<unknown, string>>(item: T) =>
  z
    .string()
    .transform((text) =>
      text
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    )
    .pipe(z.array(item));

const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, `must be one of ${values.join(', ')}`);

const ipBlock = z
  .string()
  .refine(
    (text) => z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()]).safeParse(text).success,
    'must be addresses or CIDR blocks such as 10.0.0.0/8, separated by commas',
  );

const often = integer(1, 1_000_000, 'times; RATE_LIMITS=Off lifts all limits');

export const originSchema = checkedBy(checkOrigin);
export const hostSchema = checkedBy(checkHost);
export const urlSchema = checkedBy(checkUrl);
/** A URL kept as it was written: issuers are compared character by character (OpenID Connect Core 3.1.3.7). */
export const issuerSchema = z.string().superRefine((text, context) => {
  const checked = checkUrl(text);
  if (!checked.ok) context.addIssue({code: 'custom', message: checked.problem});
});

const audienceSchema = z.string().min(1, 'must not be empty').max(200, 'must be shorter than 200 characters');
/** Without one, no token would be good for this server itself. */
export const audiencesSchema = z.array(audienceSchema).min(1, 'must name one audience at least');

/** Every variable that the server reads, with its default and what is wrong with other values. */
export const variablesSchema = z.object({
  TLS_CERT_PATH: z.string().optional(),
  TLS_KEY_PATH: z.string().optional(),
  PORT: integer(0, 65_535, 'a TCP port; 0 takes a free one').default(8000),
  SERVER_HOST: z
    .string()
    .regex(/^[A-Za-z0-9.:_-]+$/, 'must be a host name or an address')
    .optional(),
  OAUTH_PROVIDER: z.string().optional(),
  OAUTH_REDIRECT_URI: urlSchema.optional(),
  JWT_ISSUER: issuerSchema.optional(),
  JWT_PREVIOUS_ISSUERS: list(issuerSchema).optional(),
  JWT_ALGORITHM: z
    .enum(
      ALGORITHMS,
      `must be one of ${ALGORITHMS.join(', ')}; algorithms with a shared secret (HS*) are never used`,
    )
    .default('RS256'),
  JWKS_MAX_AGE: integer(1, 3600, 'seconds that others may keep the keys').default(300),
  JWT_AUDIENCE: list(audienceSchema).pipe(audiencesSchema).optional(),
  DATABASE_POOL_SIZE: integer(1, 1000, 'connections').default(20),
  DATABASE_MAX_LIFETIME: integer(0, 604_800, 'seconds; 0 keeps connections').default(1800),
  SESSION_TIMEOUT_MINUTES: integer(1, 1440, 'minutes that an access token is valid').default(60),
  REFRESH_TOKEN_TTL: integer(60, 31_536_000, 'seconds that a session lasts').default(604_800),
  REFRESH_IDLE_TTL: integer(60, 31_536_000, 'seconds that a session may stay unused').optional(),
  REFRESH_REPLAY_WINDOW: integer(0, 300, 'seconds').default(30),
  REFRESH_ROTATION: oneOf(['Rotate', 'Static']).default('Rotate'),
  RETURN_TO_ORIGINS: list(originSchema).optional(),
  TRUSTED_PROXIES: list(ipBlock).default([]),
  PROVIDER_ALLOWED_HOSTS: list(hostSchema).optional(),
  LOGIN_BINDING: oneOf(['Cookie', 'None']).default('Cookie'),
  RP_INITIATED_LOGOUT: oneOf(['On', 'Off']).default('On'),
  RATE_LIMITS: oneOf(['On', 'Off']).default('On'),
  RATE_LIMIT_START_PER_MINUTE: often.optional(),
  RATE_LIMIT_CALLBACK_PER_MINUTE: often.optional(),
  RATE_LIMIT_REFRESH_PER_MINUTE: often.optional(),
  RATE_LIMIT_LOGOUT_PER_MINUTE: often.optional(),
  RATE_LIMIT_FAILED_LOGINS_PER_HOUR: often.optional(),
  SESSION_CACHE_TTL: integer(
    1,
    3600,
    'seconds that what one replica read of a session serves the others',
  ).default(300),
  CONFIGURATION_RELOAD: oneOf(['On', 'Keys', 'Off']).default('On'),
  DRAIN_SECONDS: integer(0, 300, 'seconds').optional(),
});
export type Variables = z.infer<typeof variablesSchema>;
