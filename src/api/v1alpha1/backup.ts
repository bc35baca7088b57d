import {z} from 'zod';
import {CRON} from './cron.ts';
import {duration} from './duration.ts';
import {PLAIN_URL, objectName} from './fields.ts';
import {matches, withRules} from './rules.ts';
import {secretRef} from './secret-ref.ts';

const s3 = z.object({
  bucket: withRules(z.string().max(63), [
    matches(
      /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
      "must be a bucket's name: 3 to 63 lower-case letters, digits, '.' and '-'",
    ),
  ]).meta({description: 'The bucket. It must exist.'}),
  prefix: withRules(z.string().max(256), [
    matches(
      /^[A-Za-z0-9!_.*'()-]+(\/[A-Za-z0-9!_.*'()-]+)*$/,
      "must be a path without '/' at its ends: for example auth/production",
    ),
  ])
    .optional()
    .meta({description: 'A prefix for the names of the backups.'}),
  endpoint: withRules(z.string().max(512), [
    matches(PLAIN_URL, 'must be a URL such as https://s3.example.com'),
  ])
    .optional()
    .meta({description: 'The address of the S3 server, if it is not AWS.'}),
  region: withRules(z.string().max(64), [matches(/^[a-z0-9-]+$/, 'must be a region such as eu-central-1')])
    .default('us-east-1')
    .meta({description: "The bucket's region. Many servers other than AWS ignore it."}),
  forcePathStyle: z.boolean().optional().meta({
    description:
      'Whether the bucket is part of the path instead of the host name. Default: true if endpoint is set.',
  }),
  credentialsSecretRef: secretRef(
    'a Secret with the keys `access-key-id` and `secret-access-key`, and `session-token` where there is one',
  )
    .optional()
    .meta({
      description:
        "The credentials for the bucket. Default: the pod's own identity (EKS Pod Identity, IAM roles for service accounts).",
    }),
});

const pvc = z.object({
  claimName: objectName('a PersistentVolumeClaim').meta({
    description: 'The claim. It must exist, and be large enough for all backups that are kept.',
  }),
});

const destination = withRules(
  z.object({
    s3: s3
      .optional()
      .meta({description: 'An S3 bucket, on AWS or on any server that speaks the S3 protocol.'}),
    pvc: pvc.optional().meta({description: 'A PersistentVolumeClaim in this namespace.'}),
  }),
  [
    {
      rule: 'has(self.s3) != has(self.pvc)',
      message: 'must hold one of s3 and pvc: write exactly one',
      holds: ({s3, pvc}) => (s3 === undefined) !== (pvc === undefined),
    },
  ],
);

/** When nothing is said: the guide's hour and the guide's 30 days. */
const DEFAULT_SCHEDULE = '0 2 * * *';

export const backup = withRules(
  z.object({
    policy: z.enum(['Scheduled', 'None']).default('Scheduled').meta({
      description: 'None: something else backs up the database, for example a managed PostgreSQL.',
    }),
    schedule: withRules(z.string().max(128), [
      matches(
        CRON,
        'must be a cron schedule of five fields (minute, hour, day of month, month, day of week 0-6; a step after * or a range): for example "0 2 * * *", or @daily',
      ),
    ])
      .default(DEFAULT_SCHEDULE)
      .meta({description: 'When backups are made, in cron syntax.'}),
    timeZone: withRules(z.string().max(64), [
      {
        rule: "self.matches('^[A-Z][A-Za-z0-9_+-]*(/[A-Z][A-Za-z0-9_+-]*)*$') && self != 'Local'",
        message: 'must be a time zone of the IANA database: for example Etc/UTC or Europe/Paris',
        holds: (zone) => /^[A-Z][A-Za-z0-9_+-]*(\/[A-Z][A-Za-z0-9_+-]*)*$/.test(zone) && zone !== 'Local',
      },
    ])
      .default('Etc/UTC')
      .meta({description: 'The time zone of the schedule.'}),
    retention: z
      .object({
        maxAge: duration({min: '1h', max: '876000h', example: '720h'})
          .default('720h')
          .meta({description: 'How long a backup is kept. The newest good one is never removed.'}),
      })
      .prefault({})
      .meta({description: 'How long backups are kept.'}),
    destination: destination.optional().meta({description: 'Where backups go.'}),
    suspend: z.boolean().default(false).meta({description: 'Whether scheduled backups are paused.'}),
  }),
  [
    {
      rule: "self.policy == 'None' || has(self.destination)",
      message:
        'destination is needed: name an S3 bucket (destination.s3) or a PersistentVolumeClaim (destination.pvc), or write policy: None where something else backs the database up',
      fieldPath: '.destination',
      holds: ({policy, destination}) => policy === 'None' || destination !== undefined,
    },
    {
      rule: "self.policy != 'None' || !has(self.destination)",
      message:
        'destination cannot be set with policy None: remove destination, or write suspend: true to pause',
      fieldPath: '.destination',
      holds: ({policy, destination}) => policy !== 'None' || destination === undefined,
    },
  ],
);
