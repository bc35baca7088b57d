import {NAME_RULE, specSchema} from '../v1alpha1/fraiseqlauth.ts';
import {FRAISEQLAUTH, GROUP, KIND, NAMES, VERSION} from '../v1alpha1/group-version.ts';
import {VALIDATIONS} from '../v1alpha1/rules.ts';
import {statusSchema} from '../v1alpha1/status.ts';
import {structuralSchema} from './structural.ts';

const ready = (field: string) => `.status.conditions[?(@.type=="Ready")].${field}`;

/** The columns of `kubectl get`; those of priority 1 only with `-o wide`. */
const COLUMNS = [
  {name: 'Ready', type: 'string', jsonPath: ready('status')},
  {name: 'Reason', type: 'string', jsonPath: ready('reason')},
  {
    name: 'Replicas',
    type: 'integer',
    jsonPath: '.status.readyReplicas',
    description: 'The number of pods that are ready.',
  },
  {name: 'Version', type: 'string', jsonPath: '.status.version.current'},
  {name: 'Schema', type: 'string', jsonPath: '.status.schema.current'},
  {
    name: 'Backup',
    type: 'date',
    jsonPath: '.status.backup.lastSuccess',
    description: 'How long ago the last good backup was made.',
  },
  {name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp'},
  {name: 'Message', type: 'string', jsonPath: ready('message'), priority: 1},
  {name: 'URL', type: 'string', jsonPath: '.spec.publicURL', priority: 1},
];

/** The CustomResourceDefinition of FraiseQLAuth. */
export function customResourceDefinition() {
  const {rule, message} = NAME_RULE;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${FRAISEQLAUTH.plural}.${GROUP}`,
      labels: {'app.kubernetes.io/name': 'fraiseql-auth', 'app.kubernetes.io/part-of': 'fraiseql-auth'},
    },
    spec: {
      group: GROUP,
      scope: 'Namespaced',
      names: {kind: KIND, plural: FRAISEQLAUTH.plural, ...NAMES},
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          additionalPrinterColumns: COLUMNS,
          subresources: {
            status: {},
            scale: {
              specReplicasPath: '.spec.replicas',
              statusReplicasPath: '.status.replicas',
              labelSelectorPath: '.status.selector',
            },
          },
          schema: {
            openAPIV3Schema: {
              description:
                'One authentication service: its servers, database schema, signing keys and backups.',
              type: 'object',
              required: ['spec'],
              properties: {
                apiVersion: {type: 'string'},
                kind: {type: 'string'},
                metadata: {type: 'object'},
                spec: structuralSchema(
                  specSchema.meta({...specSchema.meta(), description: 'What you want to run.'}),
                  'spec',
                ),
                status: structuralSchema(
                  statusSchema.meta({description: 'What the operator has found and done.'}),
                  'status',
                ),
              },
              [VALIDATIONS]: [{rule, message}],
            },
          },
        },
      ],
    },
  };
}
