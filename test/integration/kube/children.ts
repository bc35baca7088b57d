import type {KubeObject} from '../../../src/kube/objects.ts';

/** An object of each kind that the operator makes but a Deployment, as users would write it and the server rewrites it. */
export const childrenIn = (namespace: string): KubeObject[] => [
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {name: 'svc', namespace},
    spec: {selector: {app: 'x'}, ports: [{name: 'http', port: 80, targetPort: 'http'}]},
  },
  {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {name: 'secret', namespace},
    stringData: {a: 'plain'},
    data: {b: 'Yg=='},
  },
  {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: {name: 'sa', namespace},
    automountServiceAccountToken: false,
  },
  {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: {name: 'hpa', namespace},
    spec: {
      scaleTargetRef: {apiVersion: 'apps/v1', kind: 'Deployment', name: 'x'},
      minReplicas: 2,
      maxReplicas: 5,
      metrics: [
        {type: 'Resource', resource: {name: 'cpu', target: {type: 'Utilization', averageUtilization: 70}}},
        {type: 'Resource', resource: {name: 'memory', target: {type: 'AverageValue', averageValue: '1.5Gi'}}},
      ],
    },
  },
  {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: {name: 'pdb', namespace},
    spec: {maxUnavailable: 1, selector: {matchLabels: {app: 'x'}}},
  },
  {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: {name: 'cron', namespace},
    spec: {
      schedule: '0 2 * * *',
      jobTemplate: {
        spec: {
          backoffLimit: 0,
          template: {
            spec: {restartPolicy: 'Never', containers: [{name: 'backup', image: 'x', command: ['a', 'b']}]},
          },
        },
      },
    },
  },
  {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: {name: 'np', namespace},
    spec: {podSelector: {}, policyTypes: ['Ingress'], ingress: [{ports: [{port: 8000}]}]},
  },
];
