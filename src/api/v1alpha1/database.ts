import {z} from 'zod';
import {COMMON_REPLICAS} from './scaling.ts';
import {duration} from './duration.ts';
import {secretKeyRef} from './secret-ref.ts';

/** How many connections the service may take when nothing is said: PostgreSQL allows 100, some are for others. */
export const DEFAULT_CONNECTION_BUDGET = 90;
/** The guide's DATABASE_POOL_SIZE. */
export const DEFAULT_POOL_SIZE = 20;
/** A pod never opens fewer: one connection listens for sessions that end, and one does the work. */
export const LEAST_POOL_SIZE = 2;

export const database = z.object({
  urlSecretRef: secretKeyRef(
    'a Secret with the connection URL, postgres://user:password@host:5432/database',
    'database-url',
  ).meta({
    description:
      'The connection URL of the PostgreSQL database. The pods are replaced when the value changes.',
  }),
  caSecretRef: secretKeyRef('a Secret with the certificate of the authority', 'ca.crt').optional().meta({
    description:
      "The authority that signed the database's certificate, in PEM form; several may stand one after another. Connections are then encrypted, and certificate and host name are checked (sslmode=verify-full), unless the URL says sslmode=verify-ca or require, which leave the host name out. Default: what the URL says. The pods are replaced when it changes.",
  }),
  poolSize: z
    .int()
    .min(1)
    .max(1000)
    .optional()
    .meta({
      description: `The most connections that one pod opens; 1 is taken as ${LEAST_POOL_SIZE}, for one of them listens for sessions that end. Default: ${DEFAULT_POOL_SIZE}, or fewer if connectionBudget does not allow that many for the largest number of pods. At least ${COMMON_REPLICAS} pods are assumed, so that scaling up to ${COMMON_REPLICAS} does not replace the running pods; scaling beyond that does, unless this is set.`,
    }),
  maxLifetime: duration({min: '1m', max: '24h', example: '30m'})
    .default('30m')
    .meta({description: 'How long a connection is used before it is replaced by a new one.'}),
  connectionBudget: z.int().min(2).max(100_000).default(DEFAULT_CONNECTION_BUDGET).meta({
    description:
      "The most connections that all pods together may open, including the extra pod that runs while a new version rolls out. Each pod needs 2 at the least. Keep it below PostgreSQL's max_connections, which is 100 by default.",
  }),
});

export const migrations = z.object({
  timeout: duration({min: '30s', max: '24h', example: '10m'}).default('10m').meta({
    description: 'How long a migration may take before it counts as failed.',
  }),
});
