import {z} from 'zod';
import {backup} from './backup.ts';
import {branding} from './branding.ts';
import {DEFAULT_CONNECTION_BUDGET, LEAST_POOL_SIZE, database, migrations} from './database.ts';
import {duration} from './duration.ts';
import {keyedList, line, objectName, origin, setOf} from './fields.ts';
import type {API_VERSION, KIND} from './group-version.ts';
import {image} from './image.ts';
import {introspection} from './introspection.ts';
import {MOVE_RULE} from './move.ts';
import {pod} from './pod.ts';
import {providers} from './providers.ts';
import {resources} from './resources.ts';
import {type Rule, celString, matches, withRules, withTransition} from './rules.ts';
import {SURGE, autoscaling, replicas} from './scaling.ts';
import {cache, rateLimits} from './sharing.ts';
import {KEYS_SUFFICE, signingKeys} from './signing-keys.ts';
import type {statusSchema} from './status.ts';
import {tls} from './tls.ts';
import {tokens} from './tokens.ts';

const ADDRESS = /^([0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9a-fA-F:]*:[0-9a-fA-F:.]*)(\/[0-9]{1,3})?$/;

/** An origin that is either encrypted or never leaves the machine or the cluster. */
const SAFE_ORIGIN =
  /^(https:.*|http:\/\/(localhost|127\.0\.0\.1|\[::1\]|[-A-Za-z0-9.]+\.svc(\.cluster\.local)?)(:[0-9]+)?)$/;

const shape = z.object({
  profile: z.enum(['Development', 'Production']).default('Production').meta({
    description:
      'The defaults of all fields that are not given. Development: one small pod, no autoscaling, no backup. Production: 3 to 10 pods by load (CPU 70 %, memory 80 %), each with requests of 100m and 256Mi and limits of 500m and 512Mi, a disruption budget, pods spread over zones and nodes, a backup at 02:00 that is kept for 30 days.',
  }),
  management: z.enum(['Active', 'Paused', 'Plan']).default('Active').meta({
    description:
      'Paused: the operator changes nothing, whatever the spec says, and only reports what it sees. Plan: it reports in status.plan what it would change, and changes it once the annotation auth.fraiseql.dev/approve-plan holds the hash of that plan. In both modes signing keys do not rotate.',
  }),
  runState: z.enum(['Running', 'Hibernated']).default('Running').meta({
    description:
      'Hibernated: no pods run, and no backups are made because the database does not change. Sessions, keys and configuration are kept; once this is Running again the service is up within seconds, with as many pods as before.',
  }),
  publicURL: origin(
    'must be the scheme and host by which browsers reach the service, without a path or a slash at the end: for example https://api.example.com',
  ).meta({
    description:
      'The address at which browsers reach the service. It is also the issuer of access tokens. Register it with /auth/callback appended as redirect URI at every provider, or with /auth/callback/NAME where the provider has callback: Own.',
  }),
  previousIssuers: setOf(
    origin(
      'must be a former publicURL, without a path or a slash at the end: for example https://old.example.com',
    ),
    16,
  )
    .optional()
    .meta({
      description:
        'Former public URLs. Access tokens issued under them are accepted until they expire; new ones are issued under publicURL only. publicURL can only be changed while the old one is listed here.',
    }),
  returnToOrigins: setOf(
    origin(
      'must be a scheme and host, without a path or a slash at the end: for example https://app.example.com',
    ),
    32,
  )
    .optional()
    .meta({description: 'Other origins to which the browser may return after a login.'}),
  branding: branding.optional().meta({
    description: 'The look of the pages that people see: sign-in, errors, their account.',
  }),
  providers,
  tokens: tokens.prefault({}).meta({description: 'Access tokens and sessions.'}),
  signingKeys: signingKeys.prefault({}).meta({
    description:
      'The keys that sign access tokens. A new key is published first and signs once every replica serves it; the old key is removed when the last token it signed has expired. Setting the annotation auth.fraiseql.dev/rotate-signing-key to any new value starts a rotation at once.',
  }),
  introspection: introspection.optional().meta({
    description:
      'The client, a gateway or an API, that may ask at /auth/introspect whether a token is valid (RFC 7662). Default: none.',
  }),
  database: database.meta({description: 'The PostgreSQL database for sessions.'}),
  cache: cache.optional().meta({
    description: 'A Redis that the pods share. Default: none, and each pod counts rate limits on its own.',
  }),
  rateLimits: rateLimits.optional().meta({
    description:
      'How often one client may call: refreshes are counted per session, everything else per address. Each pod counts on its own, or all of them together with spec.cache. Above a limit the answer is 429 with Retry-After.',
  }),
  migrations: migrations.prefault({}).meta({
    description: "Migrations of the database's schema, which run before a new version rolls out.",
  }),
  replicas: replicas.optional(),
  autoscaling: autoscaling.optional().meta({
    description:
      'Scales the number of pods by load; needs metrics-server in the cluster. Default: off in the Development profile, 3 to 10 pods in Production.',
  }),
  resources: resources.optional().meta({
    description: 'Requests and limits of a server pod. Whatever is not given is taken from the profile.',
  }),
  image: image.optional().meta({
    description:
      "The image of the server and its jobs. Default: the operator's own image, so that both have the same version.",
  }),
  imagePullSecrets: keyedList(
    z.object({name: objectName('a Secret').meta({description: 'The name of the Secret.'})}),
    'name',
    8,
  )
    .optional()
    .meta({description: 'Secrets with the credentials for pulling the image.'}),
  backup: backup.optional().meta({
    description:
      'Backups of the database. Production needs either a destination or policy None; Development makes none unless this is given.',
  }),
  rollout: z
    .object({
      progressDeadline: duration({min: '30s', max: '1h', example: '5m'}).default('5m').meta({
        description: 'How long a roll-out may make no progress before it counts as failed.',
      }),
      onFailure: z.enum(['Rollback', 'Hold']).default('Rollback').meta({
        description:
          'What happens when new pods do not become ready in time. Rollback: they are replaced by what last ran everywhere, and the same change is tried again later, after 10 minutes at first. Hold: they stay as they are, so that you can look at them. Either way the old pods keep serving.',
      }),
      check: z.enum(['Always', 'Never']).default('Always').meta({
        description:
          'Whether a Job checks each change, with its image, configuration and Secrets, before any pod is replaced: it reads the configuration, starts the server, and asks each provider whether it accepts this client. Never: pods are replaced without that check.',
      }),
    })
    .prefault({})
    .meta({description: 'How changes are rolled out.'}),
  restartToken: line(128).optional().meta({
    description:
      'Any text, for example the date of the restart. Changing it restarts the pods one by one although nothing else has changed, and retries a change that failed.',
  }),
  tls: tls.optional().meta({
    description:
      'Encryption between the pods and whatever stands in front of them. Default: none, the pods speak http inside the cluster.',
  }),
  pod: pod
    .optional()
    .meta({description: 'Where the pods run, and additional labels, annotations and variables.'}),
  logging: z
    .object({
      level: z
        .enum(['trace', 'debug', 'info', 'warn', 'error'])
        .default('info')
        .meta({description: 'The lowest level that the server logs.'}),
    })
    .prefault({})
    .meta({description: 'Logging of the server.'}),
  trustedProxies: setOf(
    withRules(z.string().max(64), [
      matches(ADDRESS, 'must be an address or a network: for example 10.0.0.0/8'),
    ]),
    64,
  )
    .optional()
    .meta({
      description:
        "Proxies whose X-Forwarded-For header is trusted. The client's address is the right-most one in it that is not listed here.",
    }),
});

type Shape = z.output<typeof shape>;

/** The most pods that can run for a spec, without the one more while a change rolls out. */
export function mostReplicas(spec: Pick<Shape, 'profile' | 'replicas' | 'autoscaling'>): number {
  if (spec.replicas !== undefined) return spec.replicas;
  if (spec.autoscaling) return spec.autoscaling.maxReplicas;
  return spec.profile === 'Development' ? 1 : 10;
}
const MOST_REPLICAS = `(has(self.replicas) ? self.replicas : has(self.autoscaling) ? self.autoscaling.maxReplicas : self.profile == 'Development' ? 1 : 10)`;
const WHILE_ROLLING = `(${MOST_REPLICAS} + ${SURGE})`;
const whileRolling = (spec: Parameters<typeof mostReplicas>[0]) => mostReplicas(spec) + SURGE;

const rules: Rule<Shape>[] = [
  {
    rule: '!(has(self.replicas) && has(self.autoscaling))',
    message: 'spec.replicas cannot be set together with spec.autoscaling: remove one of them',
    fieldPath: '.replicas',
    holds: (spec) => spec.replicas === undefined || spec.autoscaling === undefined,
  },
  {
    // A pool of that size or less is the next rule's matter.
    rule: `!has(self.database.poolSize) || self.database.poolSize <= ${LEAST_POOL_SIZE} || ${WHILE_ROLLING} * self.database.poolSize <= self.database.connectionBudget`,
    message:
      'spec.database.poolSize times the number of pods (autoscaling.maxReplicas or replicas, and one more while rolling out) is above spec.database.connectionBudget: lower poolSize, or raise connectionBudget and max_connections of PostgreSQL',
    fieldPath: '.database.poolSize',
    holds: ({database: {poolSize = 0, connectionBudget}, ...spec}) =>
      poolSize <= LEAST_POOL_SIZE || whileRolling(spec) * poolSize <= connectionBudget,
    explain: ({database: {poolSize = 0, connectionBudget}, ...spec}) => {
      const pods = whileRolling(spec);
      const fits = Math.floor(connectionBudget / pods);
      const less = fits < LEAST_POOL_SIZE ? 'lower the number of pods' : `lower poolSize to ${fits}`;
      return `spec.database.poolSize: ${pods} pods (one more while rolling out) with ${poolSize} connections each are ${pods * poolSize}, above spec.database.connectionBudget ${connectionBudget}: ${less}, or raise connectionBudget to ${pods * poolSize} and max_connections of PostgreSQL`;
    },
  },
  {
    rule: `${WHILE_ROLLING} * ${LEAST_POOL_SIZE} <= self.database.connectionBudget`,
    message: `spec.database.connectionBudget is below ${LEAST_POOL_SIZE} for each pod (one of them listens for sessions that end), with one pod more while rolling out: raise it (default ${DEFAULT_CONNECTION_BUDGET}) and max_connections of PostgreSQL, or lower the number of pods`,
    fieldPath: '.database.connectionBudget',
    holds: (spec) => whileRolling(spec) * LEAST_POOL_SIZE <= spec.database.connectionBudget,
    explain: (spec) => {
      const [pods, {connectionBudget}] = [whileRolling(spec), spec.database];
      const fits = Math.floor(connectionBudget / LEAST_POOL_SIZE) - SURGE;
      const fewer = fits > 0 ? `, or lower the number of pods to ${fits}` : '';
      return `spec.database.connectionBudget ${connectionBudget} is below ${LEAST_POOL_SIZE} for each of ${pods} pods (one more while rolling out; one connection of each listens for sessions that end): raise it to ${pods * LEAST_POOL_SIZE} and max_connections of PostgreSQL${fewer}`;
    },
  },
  KEYS_SUFFICE,
  {
    rule: `self.profile != 'Production' || self.publicURL.matches(${celString(SAFE_ORIGIN.source)})`,
    message:
      'spec.publicURL must start with https:// in the Production profile, for tokens and cookies travel over it (http:// is for localhost and names ending in .svc): write https://, or profile: Development',
    fieldPath: '.publicURL',
    holds: (spec) => spec.profile !== 'Production' || SAFE_ORIGIN.test(spec.publicURL),
  },
  {
    rule: "!has(self.tls) || self.publicURL.startsWith('https://')",
    message:
      'spec.publicURL must start with https:// where spec.tls.inPod is set, for the pods then speak nothing else: write https://, or remove spec.tls',
    fieldPath: '.publicURL',
    holds: (spec) => spec.tls === undefined || spec.publicURL.startsWith('https://'),
  },
  {
    rule: "self.profile != 'Production' || has(self.backup)",
    message:
      'spec.backup is needed in the Production profile: name spec.backup.destination (s3 or pvc), or write spec.backup.policy: None where something else backs the database up',
    fieldPath: '.backup',
    holds: (spec) => spec.profile !== 'Production' || spec.backup !== undefined,
  },
];

/** The spec of a FraiseQLAuth. */
export const specSchema = withTransition(withRules(shape, rules), MOVE_RULE);

/** metadata.name: the Service takes it, and a label holds it. */
export const NAME_RULE: Rule<{metadata: {name: string}}> = {
  rule: "self.metadata.name.matches('^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$')",
  message:
    "metadata.name must start with a letter and hold at most 63 lower-case letters, digits and '-', for the Service takes this name: choose another name",
  holds: ({metadata}) => /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/.test(metadata.name),
};

/** A spec as a person writes it. */
export type FraiseQLAuthSpec = z.input<typeof specSchema>;
/** A spec with the defaults that stand in the resource definition, as the API server stores it. */
export type DefaultedSpec = z.output<typeof specSchema>;
/** What the operator found and did. */
export type FraiseQLAuthStatus = z.output<typeof statusSchema>;

/**
 * One FraiseQLAuth as read from the API server. Nothing of `spec` is sure before it was checked. (A type and not an
 * interface, so that it passes for an object of the cluster, which may have any field.)
 */
export type FraiseQLAuth = {
  apiVersion: typeof API_VERSION;
  kind: typeof KIND;
  metadata: {
    name: string;
    namespace: string;
    uid: string;
    generation: number;
    resourceVersion?: string;
    creationTimestamp?: string;
    deletionTimestamp?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  spec: FraiseQLAuthSpec;
  status?: FraiseQLAuthStatus;
};
