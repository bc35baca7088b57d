import {z} from 'zod';
import {backup} from './backup.ts';
import {branding} from './branding.ts';
import {DEFAULT_CONNECTION_BUDGET, database, migrations} from './database.ts';
import {duration} from './duration.ts';
import {keyedList, line, objectName, origin, setOf} from './fields.ts';
import type {API_VERSION, KIND} from './groupVersion.ts';
import {introspection} from './introspection.ts';
import {MOVE_RULE} from './move.ts';
import {pod} from './pod.ts';
import {providers} from './providers.ts';
import {resources} from './resources.ts';
import {type Rule, celString, matches, withRules, withTransition} from './rules.ts';
import {SURGE, autoscaling, replicas} from './scaling.ts';
import {cache, rateLimits} from './sharing.ts';
import {signingKeys} from './signingKeys.ts';
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
      'What the fields that are not given mean. Development: one small pod, no autoscaling, no backup. Production: 3 to 10 pods by load (CPU 70 %, memory 80 %), each 256Mi and 100m up to 512Mi and 500m, a disruption budget, spread over zones and nodes, a backup at 02:00 that is kept for 30 days.',
  }),
  management: z.enum(['Active', 'Paused', 'Plan']).default('Active').meta({
    description:
      'Paused: the operator changes nothing of this resource, whatever the spec says, and only tells what it sees. Plan: it tells in status.plan what it would change, and changes it when the annotation auth.fraiseql.dev/approve-plan has the hash of that plan. With either, signing keys stay as they are meanwhile.',
  }),
  runState: z.enum(['Running', 'Hibernated']).default('Running').meta({
    description:
      'Hibernated: no pods run and no backups are made, for the database does not change. Sessions, keys and configuration stay; back at Running it serves within seconds, with as many pods as before.',
  }),
  publicURL: origin(
    'must be the scheme and host by which browsers reach the service, without a path or a slash at the end: for example https://api.example.com',
  ).meta({
    description:
      'Where browsers reach the service. It is the issuer of its tokens, and the redirect URI at every provider is this and /auth/callback, with /NAME after it where the provider has callback: Own.',
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
        'Former public URLs. Access tokens that were issued under them are still accepted until they expire; new ones are issued under publicURL alone. publicURL can only move while the old one is listed here.',
    }),
  returnToOrigins: setOf(
    origin(
      'must be a scheme and host, without a path or a slash at the end: for example https://app.example.com',
    ),
    32,
  )
    .optional()
    .meta({description: 'Other origins to which a login may send the browser when it is done.'}),
  branding: branding.optional().meta({
    description: 'How the pages look that the server shows to people: sign-in, errors, their account.',
  }),
  providers,
  tokens: tokens.prefault({}).meta({description: 'Access tokens and sessions.'}),
  signingKeys: signingKeys.prefault({}).meta({
    description:
      'The keys that sign access tokens. A new one is published first, signs when every replica serves it, and the old one goes when its last token has expired. The annotation auth.fraiseql.dev/rotate-signing-key with any new value rotates at once.',
  }),
  introspection: introspection.optional().meta({
    description:
      'Who may ask at /auth/introspect whether a token is good (RFC 7662): a gateway or an API. Default: nobody.',
  }),
  database: database.meta({description: 'The PostgreSQL database for sessions.'}),
  cache: cache.optional().meta({
    description: 'What the pods share beside the database. Default: nothing, and each pod counts for itself.',
  }),
  rateLimits: rateLimits.optional().meta({
    description:
      'How often one client may ask: an address, that is, or for refreshes a session. Each pod counts for itself, or with spec.cache all of them together. Above a limit the answer is 429 with Retry-After.',
  }),
  migrations: migrations.prefault({}).meta({
    description:
      "Bringing the database's schema up to a new version, which happens before the version rolls out.",
  }),
  replicas: replicas.optional(),
  autoscaling: autoscaling.optional().meta({
    description:
      'Pods by load; needs metrics-server in the cluster. Default: none in the Development profile, 3 to 10 pods in Production.',
  }),
  resources: resources.optional().meta({
    description:
      'What a pod of the server requests and may use. What is not given stays as the profile has it.',
  }),
  image: withRules(z.string().max(512), [
    matches(
      /^[a-zA-Z0-9][-a-zA-Z0-9._:/]*(@sha256:[0-9a-f]{64})?$/,
      'must be an image such as registry.example.com/fraiseql-auth:1.2.3',
    ),
  ])
    .optional()
    .meta({
      description:
        "The image of the server and its jobs. Default: the operator's own, so that both are of one version.",
    }),
  imagePullSecrets: keyedList(
    z.object({name: objectName('a Secret').meta({description: 'The name of the Secret.'})}),
    'name',
    8,
  )
    .optional()
    .meta({description: 'Secrets with which the image is pulled.'}),
  backup: backup.optional().meta({
    description:
      'Backups of the database. Production needs either a destination or policy None; Development makes none unless this is given.',
  }),
  rollout: z
    .object({
      progressDeadline: duration({min: '30s', max: '1h', example: '5m'}).default('5m').meta({
        description: 'How long a roll-out may go without progress before it has failed.',
      }),
      onFailure: z.enum(['Rollback', 'Hold']).default('Rollback').meta({
        description:
          'What follows when new pods do not become ready in time. Rollback: the pods go back to what last ran everywhere. Hold: they stay as they are, to be looked at. Either way the old pods serve on, and the same change is not tried again by itself.',
      }),
      check: z.enum(['Always', 'Never']).default('Always').meta({
        description:
          'Whether a change is first tried out by a Job, with its image, configuration and Secrets, before it may replace a pod: the configuration is read, the server started, and each provider asked whether it accepts this client. Never: pods are replaced without that.',
      }),
    })
    .prefault({})
    .meta({description: 'Rolling out a change.'}),
  restartToken: line(128).optional().meta({
    description:
      'Any text. Each other text replaces the pods, one by one, though nothing else has changed; a change that failed is tried again by it. For example the date of the restart.',
  }),
  tls: tls.optional().meta({
    description:
      'Encryption between the pods and what stands before them. Default: none, the pods speak http inside the cluster.',
  }),
  pod: pod.optional().meta({description: 'Where the pods run, and what else they carry.'}),
  logging: z
    .object({
      level: z
        .enum(['trace', 'debug', 'info', 'warn', 'error'])
        .default('info')
        .meta({description: 'From which level on the server logs.'}),
    })
    .prefault({})
    .meta({description: 'Logs of the server.'}),
  trustedProxies: setOf(
    withRules(z.string().max(64), [
      matches(ADDRESS, 'must be an address or a network: for example 10.0.0.0/8'),
    ]),
    64,
  )
    .optional()
    .meta({
      description:
        "Proxies whose X-Forwarded-For is believed. The client's address is the right-most one that is not listed here.",
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
const whileRolling = (spec: Shape) => mostReplicas(spec) + SURGE;

const rules: Rule<Shape>[] = [
  {
    rule: '!(has(self.replicas) && has(self.autoscaling))',
    message: 'spec.replicas cannot be set together with spec.autoscaling: remove one of them',
    fieldPath: '.replicas',
    holds: (spec) => spec.replicas === undefined || spec.autoscaling === undefined,
  },
  {
    rule: `!has(self.database.poolSize) || ${WHILE_ROLLING} * self.database.poolSize <= self.database.connectionBudget`,
    message:
      'spec.database.poolSize times the number of pods (autoscaling.maxReplicas or replicas, and one more while rolling out) is above spec.database.connectionBudget: lower poolSize, or raise connectionBudget and max_connections of PostgreSQL',
    fieldPath: '.database.poolSize',
    holds: (spec) =>
      spec.database.poolSize === undefined ||
      whileRolling(spec) * spec.database.poolSize <= spec.database.connectionBudget,
    explain: (spec) => {
      const [pods, each, budget] = [
        whileRolling(spec),
        spec.database.poolSize ?? 0,
        spec.database.connectionBudget,
      ];
      return `spec.database.poolSize: ${pods} pods (one more while rolling out) with ${each} connections each are ${pods * each}, above spec.database.connectionBudget ${budget}: lower poolSize to ${Math.floor(budget / pods)}, or raise connectionBudget and max_connections of PostgreSQL`;
    },
  },
  {
    rule: `${WHILE_ROLLING} <= self.database.connectionBudget`,
    message: `spec.database.connectionBudget is below the number of pods, one more while rolling out: raise it (default ${DEFAULT_CONNECTION_BUDGET}), or lower the number of pods`,
    fieldPath: '.database.connectionBudget',
    holds: (spec) => whileRolling(spec) <= spec.database.connectionBudget,
  },
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
