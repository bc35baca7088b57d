import {z} from 'zod';

/** The longest texts that a status holds; what is longer must be cut before it is written. */
export const STATUS_LIMITS = {
  message: 8192,
  name: 253,
  blockedOn: 16,
  signingKeys: 16,
  changes: 48,
  fields: 16,
  approved: 192,
  touches: 1024,
} as const;

const name = z.string().max(STATUS_LIMITS.name);
const text = z.string().max(STATUS_LIMITS.message);
const word = z.string().max(128);
const time = z.string().max(64).meta({format: 'date-time'});
const url = z.string().max(1024);
const count = z.int().min(0).max(2_147_483_647).meta({format: 'int32'});
const generation = z.int().min(0).max(Number.MAX_SAFE_INTEGER).meta({format: 'int64'});

/** A condition as every Kubernetes API has it. */
const conditionSchema = z.object({
  type: z.string().max(316),
  status: z.enum(['True', 'False', 'Unknown']),
  reason: z.string().min(1).max(1024),
  message: z.string().max(32_768),
  lastTransitionTime: time,
  observedGeneration: generation.optional(),
});
export type Condition = z.output<typeof conditionSchema>;

const objectRef = z.object({
  apiVersion: word.optional(),
  kind: word,
  name,
  key: name.optional().meta({description: 'The key in its data, where one is at fault.'}),
});

const plannedChange = z.object({
  verb: z.enum(['Create', 'Update', 'Delete', 'Run']).meta({
    description: 'Run: a Job is created, which checks a change or migrates the database.',
  }),
  kind: word,
  name,
  hash: word.meta({description: 'Identifies the object as it will be.'}),
});

const plan = z.object({
  hash: word.optional().meta({
    description:
      'Identifies exactly these changes. Writing it into the annotation auth.fraiseql.dev/approve-plan approves them, once.',
  }),
  changes: z
    .array(
      plannedChange.extend({
        fields: z
          .array(
            z.object({
              path: z.string().max(512),
              from: z.string().max(512).optional(),
              to: z.string().max(512).optional(),
            }),
          )
          .max(STATUS_LIMITS.fields)
          .meta({'x-kubernetes-list-type': 'atomic'})
          .optional()
          .meta({
            description:
              'Which fields change, and how; long values are cut. Values that may come from a Secret are left out.',
          }),
        why: z.string().max(512).optional().meta({description: 'Why, where it is not obvious.'}),
      }),
    )
    .max(STATUS_LIMITS.changes)
    .meta({'x-kubernetes-list-type': 'atomic'})
    .optional()
    .meta({
      description:
        'What the operator would do, in this order, each change once the one before has succeeded. The API server has checked it by a dry run.',
    }),
  approved: z
    .object({
      hash: word.meta({description: 'The hash that was approved last. It cannot be used again.'}),
      changes: z
        .array(
          plannedChange.extend({
            touches: z
              .string()
              .max(STATUS_LIMITS.touches)
              .optional()
              .meta({description: 'The fields that it may change, abbreviated; no other field is touched.'}),
          }),
        )
        .max(STATUS_LIMITS.approved)
        .meta({'x-kubernetes-list-type': 'atomic'})
        .optional()
        .meta({description: 'What was approved and is not done yet.'}),
    })
    .optional()
    .meta({description: 'What was approved.'}),
});

export const statusSchema = z.object({
  observedGeneration: generation
    .optional()
    .meta({format: 'int64', description: 'The generation of the spec that this status describes.'}),
  replicas: count.optional().meta({format: 'int32', description: 'The number of pods.'}),
  readyReplicas: count.optional().meta({format: 'int32', description: 'The number of pods that are ready.'}),
  selector: z
    .string()
    .max(1024)
    .optional()
    .meta({description: 'The label selector of the pods, for autoscalers.'}),
  version: z
    .object({
      current: z.string().max(512).optional().meta({description: 'The version that runs in every pod.'}),
      target: z.string().max(512).optional().meta({description: 'The version that the spec asks for.'}),
    })
    .optional()
    .meta({description: 'Versions of the server.'}),
  schema: z
    .object({
      current: word.optional().meta({description: 'The version that the database has.'}),
      target: word.optional().meta({description: 'The version that the server needs.'}),
      job: name.optional().meta({description: 'The Job that migrates the database to it.'}),
      attempts: count.optional().meta({format: 'int32', description: 'How many attempts have failed.'}),
      database: word.optional().meta({
        description: "A hash of the database's connection URL: which database `current` refers to.",
      }),
    })
    .optional()
    .meta({description: "Versions of the database's schema."}),
  signingKeys: z
    .array(
      z.object({
        // The name of a key in a Secret.
        kid: name,
        state: z.enum(['Published', 'Signing', 'Retiring']).meta({
          description:
            'Published: served, but does not sign yet. Signing: signs new tokens. Retiring: verifies only, until the last token that it signed has expired.',
        }),
        since: time.optional(),
      }),
    )
    .max(STATUS_LIMITS.signingKeys)
    .meta({'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['kid']})
    .optional()
    .meta({description: 'The keys that sign access tokens, will sign them, or have signed them.'}),
  endpoints: z
    .object({
      issuer: url.optional(),
      authorize: url.optional(),
      callback: url.optional(),
      jwks: url.optional(),
    })
    .optional()
    .meta({
      description: 'The addresses of the service. Register the callback as redirect URI at each provider.',
    }),
  health: z
    .object({
      auth: word.optional().meta({description: 'healthy, degraded or unhealthy.'}),
      oauthProvider: word.optional().meta({description: 'ok or error.'}),
      db: word.optional().meta({description: 'ok or error.'}),
      cache: word.optional().meta({description: 'ok or error; only with spec.cache.'}),
      checkedAt: time.optional(),
    })
    .optional()
    .meta({description: 'What the pods report at /health/auth.'}),
  backup: z
    .object({
      lastSuccess: time
        .optional()
        .meta({format: 'date-time', description: 'When the last good backup was completed.'}),
      lastLocation: url.optional().meta({description: 'Where the last good backup is.'}),
      lastWarning: text.optional().meta({
        description: 'What was left undone beside it: old backups that could not be removed, for example.',
      }),
      lastFailure: time.optional().meta({format: 'date-time', description: 'When a backup last failed.'}),
      lastFailureMessage: text.optional().meta({description: 'Why that backup failed.'}),
      resumed: time.optional().meta({
        format: 'date-time',
        description:
          'Since when backups are made again after there were none, or by another schedule; set until one has succeeded.',
      }),
      next: time.optional().meta({format: 'date-time', description: 'When the next one is due.'}),
    })
    .optional()
    .meta({description: 'Backups of the database.'}),
  blockedOn: z
    .array(
      z.object({
        reason: word.meta({description: 'What is wrong, in one word.'}),
        message: text.meta({description: 'What is wrong.'}),
        hint: text.optional().meta({description: 'What to do.'}),
        objectRef: objectRef.optional().meta({description: 'The object at fault.'}),
        since: time.optional(),
      }),
    )
    .max(STATUS_LIMITS.blockedOn)
    .meta({'x-kubernetes-list-type': 'atomic'})
    .optional()
    .meta({description: 'What keeps the service from matching the spec, and what to do about it.'}),
  plan: plan.optional().meta({
    description: 'With spec.management: Plan: what the operator would do once it is approved.',
  }),
  conditions: z
    .array(conditionSchema)
    .max(32)
    .meta({'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type']})
    .optional()
    .meta({description: 'The conditions of the service, each with a reason and a message.'}),
});
