import {z} from 'zod';
import {duration} from './duration.ts';
import {withRules} from './rules.ts';
import {secretKeyRef} from './secret-ref.ts';

const often = (what: string, standard: number) =>
  z
    .int()
    .min(1)
    .max(1_000_000)
    .optional()
    .meta({description: `${what} Default: ${standard}.`});

/** Each limit, by its field. */
const RATE_LIMITS = {
  startPerMinute: often('Logins that one address may begin per minute.', 100),
  callbackPerMinute: often('Logins that one address may bring back from the provider per minute.', 50),
  refreshPerMinute: often(
    'Refreshes of one session per minute; repeating the same answer does not count.',
    10,
  ),
  logoutPerMinute: often('Logouts of one address per minute.', 20),
  failedLoginsPerHour: often('Failed logins per hour after which an address has to wait.', 5),
} as const;
type Limit = keyof typeof RATE_LIMITS;
const LIMITS = Object.keys(RATE_LIMITS) as readonly Limit[];

/** How often one client may ask. */
export const rateLimits = withRules(
  z.object({
    policy: z.enum(['Enforce', 'None']).default('Enforce').meta({
      description: 'None lifts all limits: use it where something in front of the service limits requests.',
    }),
    ...RATE_LIMITS,
  }),
  [
    {
      rule: `self.policy != 'None' || !(${LIMITS.map((limit) => `has(self.${limit})`).join(' || ')})`,
      message:
        'policy None lifts all limits, so that the others here would have no effect: remove them, or write policy: Enforce',
      fieldPath: '.policy',
      holds: (value) => value.policy !== 'None' || LIMITS.every((limit) => value[limit] === undefined),
    },
  ],
);

/** What the pods share beside the database. */
export const cache = z.object({
  redisURLSecretRef: secretKeyRef(
    'a Secret with the connection URL, redis://user:password@host:6379, or rediss:// for TLS',
    'redis-url',
  ).meta({
    description:
      'The connection URL of a Redis (6 or later, or Valkey) through which the pods share their rate limits and cached sessions. Nothing depends on it: while it is down each pod works on its own. The pods are replaced when the value changes.',
  }),
  caSecretRef: secretKeyRef('a Secret with the certificate of the authority', 'ca.crt').optional().meta({
    description:
      "For rediss://: the authority that signed Redis's certificate, in PEM form; several may stand one after another. Default: the authorities that Node trusts, which are those of browsers. The pods are replaced when it changes.",
  }),
  sessionTTL: duration({min: '1s', max: '1h', example: '5m'}).default('5m').meta({
    description:
      'How long a session that one pod has read is cached for the others. A session that has ended is refused within a second all the same.',
  }),
});
