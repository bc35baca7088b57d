import {z} from 'zod';
import {withRules} from './rules.ts';

/** A rolling update adds at most this many pods beside the old ones. */
export const SURGE = 1;
/** Up to so many pods, as autoscaling has without a word, the derived pool of connections is the same. */
export const COMMON_REPLICAS = 10;
/** The most pods that one FraiseQLAuth may ask for. */
const MAX_REPLICAS = 100;

export const replicas = z.int().min(0).max(MAX_REPLICAS).meta({
  description:
    'A fixed number of pods. Default: 1 in the Development profile; Production scales by load instead. Cannot be combined with autoscaling. `kubectl scale` sets it.',
});

export const autoscaling = withRules(
  z.object({
    minReplicas: z
      .int()
      .min(1)
      .max(MAX_REPLICAS)
      .default(3)
      .meta({description: 'The smallest number of pods.'}),
    maxReplicas: z
      .int()
      .min(1)
      .max(MAX_REPLICAS)
      .default(COMMON_REPLICAS)
      .meta({description: 'The largest number of pods.'}),
    targetCPUUtilization: z.int().min(1).max(100).default(70).meta({
      description: 'The average CPU use to aim for, in percent of the request.',
    }),
    targetMemoryUtilization: z.int().min(1).max(1000).default(80).meta({
      description: 'The average memory use to aim for, in percent of the request.',
    }),
  }),
  [
    {
      rule: 'self.minReplicas <= self.maxReplicas',
      message: 'minReplicas cannot be above maxReplicas: lower minReplicas or raise maxReplicas',
      fieldPath: '.minReplicas',
      holds: ({minReplicas, maxReplicas}) => minReplicas <= maxReplicas,
    },
  ],
);
