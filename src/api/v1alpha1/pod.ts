import {z} from 'zod';
import {keyedList, objectName, secretKey, stringMap} from './fields.ts';
import {RESERVED_VARIABLE} from './reserved-variables.ts';
import {celString, matches, withRules} from './rules.ts';

/** Keys of what the children are found and selected by. */
const RESERVED_KEY = /^(app\.kubernetes\.io|auth\.fraiseql\.dev)\//;
/** And labels that a Job sets on its pods: one that has another value is refused. */
const RESERVED_LABEL =
  /^((app\.kubernetes\.io|auth\.fraiseql\.dev|batch\.kubernetes\.io)\/|(controller-uid|job-name)$)/;

const KEY = /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const LABEL_VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

const keyRef = (kind: string) =>
  z.object({
    name: objectName(`a ${kind}`).meta({description: `The name of the ${kind}.`}),
    key: secretKey().meta({description: 'The key in its data.'}),
  });

const environmentVariable = withRules(
  z.object({
    name: withRules(z.string().max(128), [
      matches(/^[A-Za-z_][A-Za-z0-9_]*$/, "must be a variable's name: letters, digits and '_'"),
      {
        rule: `!self.matches(${celString(RESERVED_VARIABLE.source)})`,
        message: 'is set by the operator from a field of its own: use that field, or another name',
        messageExpression:
          "self + ' is set by the operator from a field of its own: use that field, or another name'",
        holds: (name) => !RESERVED_VARIABLE.test(name),
        explain: (name) =>
          `${name} is set by the operator from a field of its own: use that field, or another name`,
      },
    ]),
    value: z.string().max(8192).optional().meta({description: 'The value itself.'}),
    valueFrom: withRules(
      z.object({
        secretKeyRef: keyRef('Secret').optional(),
        configMapKeyRef: keyRef('ConfigMap').optional(),
      }),
      [
        {
          rule: 'has(self.secretKeyRef) != has(self.configMapKeyRef)',
          message: 'must hold one of secretKeyRef and configMapKeyRef: write exactly one',
          holds: (from) => (from.secretKeyRef === undefined) !== (from.configMapKeyRef === undefined),
        },
      ],
    )
      .optional()
      .meta({description: 'Where the value is taken from.'}),
  }),
  [
    {
      rule: '!(has(self.value) && has(self.valueFrom))',
      message: 'value cannot be set together with valueFrom: remove one of them',
      holds: (each) => each.value === undefined || each.valueFrom === undefined,
    },
  ],
);

const toleration = withRules(
  z.object({
    key: withRules(z.string().max(317), [
      matches(
        KEY,
        "must be a taint's key: letters, digits, '-', '_' and '.', with an optional prefix and '/'",
      ),
    ]).optional(),
    operator: z.enum(['Exists', 'Equal']).optional(),
    value: withRules(z.string().max(63), [
      matches(LABEL_VALUE, "must be a taint's value: letters, digits, '-', '_' and '.'"),
    ]).optional(),
    effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).optional(),
    tolerationSeconds: z.int().min(0).max(31_536_000).optional(),
  }),
  [
    {
      rule: "has(self.key) || (has(self.operator) && self.operator == 'Exists')",
      message:
        'without a key operator must be Exists, which matches every taint: write operator: Exists, or a key',
      fieldPath: '.operator',
      holds: ({key, operator}) => key !== undefined || operator === 'Exists',
    },
    {
      rule: "!has(self.value) || !has(self.operator) || self.operator != 'Exists'",
      message: 'value cannot be set with operator Exists: remove one of them',
      fieldPath: '.value',
      holds: ({value, operator}) => value === undefined || operator !== 'Exists',
    },
    {
      rule: "!has(self.tolerationSeconds) || (has(self.effect) && self.effect == 'NoExecute')",
      message: 'tolerationSeconds is for effect NoExecute only: write that effect, or remove it',
      fieldPath: '.tolerationSeconds',
      holds: ({tolerationSeconds, effect}) => tolerationSeconds === undefined || effect === 'NoExecute',
    },
  ],
);

const labels = (max: number) =>
  withRules(stringMap(max), [
    {
      rule: `self.all(k, k.matches(${celString(KEY.source)}) && self[k].matches(${celString(LABEL_VALUE.source)}))`,
      message:
        "must be labels: at most 63 letters, digits, '-', '_' and '.', keys with an optional prefix and '/'",
      holds: (map) => Object.entries(map).every(([key, value]) => KEY.test(key) && LABEL_VALUE.test(value)),
    },
  ]);

export const pod = z.object({
  nodeSelector: labels(32).optional().meta({maxProperties: 32, description: 'Labels that a node must have.'}),
  tolerations: z
    .array(toleration)
    .max(32)
    .meta({'x-kubernetes-list-type': 'atomic'})
    .optional()
    .meta({description: 'Taints of nodes that the pods tolerate.'}),
  affinity: z.record(z.string(), z.unknown()).optional().meta({
    'x-kubernetes-preserve-unknown-fields': true,
    description:
      'Affinity, as in a pod. Default: none; replicas are spread over zones and nodes in any case.',
  }),
  labels: withRules(labels(32), [
    {
      rule: `self.all(k, !k.matches(${celString(RESERVED_LABEL.source)}))`,
      message:
        'cannot hold labels of app.kubernetes.io/ or auth.fraiseql.dev/, which the operator sets, nor controller-uid, job-name or labels of batch.kubernetes.io/, which Jobs set: use another name or prefix',
      holds: (map) => Object.keys(map).every((key) => !RESERVED_LABEL.test(key)),
    },
  ])
    .optional()
    .meta({maxProperties: 32, description: 'Additional labels for the pods.'}),
  annotations: withRules(stringMap(32), [
    {
      rule: `self.all(k, k.matches(${celString(KEY.source)}) && !k.matches(${celString(RESERVED_KEY.source)}))`,
      message:
        "must have keys of letters, digits, '-', '_' and '.', with an optional prefix other than auth.fraiseql.dev/ and app.kubernetes.io/",
      holds: (map) => Object.keys(map).every((key) => KEY.test(key) && !RESERVED_KEY.test(key)),
    },
  ])
    .optional()
    .meta({maxProperties: 32, description: 'Additional annotations for the pods.'}),
  extraEnv: keyedList(environmentVariable, 'name', 64).optional().meta({
    description:
      'Additional environment variables for the server and its jobs, for example LOGIN_BINDING. Variables that have a field of their own cannot be set here.',
  }),
});
