import {z} from 'zod';

// Affinity as core/v1 has it. The resource definition passes it through, and does not hold all of it a second time. A
// field that the API server does not know it would take for none when the pods are made, without a word.

/** An object with these fields and no others. A field without a value, as a template may leave it, is none. */
function fields<T extends z.core.$ZodShape>(shape: T): z.ZodObject<T, z.core.$strict> {
  const known = Object.keys(shape).join(', ');
  return z.strictObject(shape, {
    error: ({code}) =>
      code === 'unrecognized_keys'
        ? `is no field of affinity in this place: write one of ${known}, or remove it`
        : undefined,
  });
}

const strings = z.array(z.string()).nullish();
const weight = z.int().min(1).max(100);

const nodeRequirements = z
  .array(
    fields({
      key: z.string(),
      operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt']),
      values: strings,
    }),
  )
  .nullish();
const nodeTerm = fields({matchExpressions: nodeRequirements, matchFields: nodeRequirements});

const labelSelector = fields({
  matchLabels: z.record(z.string(), z.string()).nullish(),
  matchExpressions: z
    .array(
      fields({
        key: z.string(),
        operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
        values: strings,
      }),
    )
    .nullish(),
}).nullish();

const podTerm = fields({
  labelSelector,
  namespaces: strings,
  topologyKey: z.string().min(1),
  namespaceSelector: labelSelector,
  matchLabelKeys: strings,
  mismatchLabelKeys: strings,
});
const podAffinity = fields({
  requiredDuringSchedulingIgnoredDuringExecution: z.array(podTerm).nullish(),
  preferredDuringSchedulingIgnoredDuringExecution: z
    .array(fields({weight, podAffinityTerm: podTerm}))
    .nullish(),
}).nullish();

/** The names and types of its fields. What their values may be beyond that the API server says of the pods. */
export const affinity = fields({
  nodeAffinity: fields({
    requiredDuringSchedulingIgnoredDuringExecution: fields({
      nodeSelectorTerms: z.array(nodeTerm).min(1),
    }).nullish(),
    preferredDuringSchedulingIgnoredDuringExecution: z
      .array(fields({weight, preference: nodeTerm}))
      .nullish(),
  }).nullish(),
  podAffinity,
  podAntiAffinity: podAffinity,
});
