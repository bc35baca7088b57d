import type {KubeObject} from '../../../src/kube/objects.ts';
import {deployment, serverTemplate} from '../../../src/operator/desired/deployment.ts';
import type {Instance} from '../../../src/operator/desired/instance.ts';

/** An image and its version. */
export const IMAGE = {image: 'registry.example.com/fraiseql-auth:1', version: '1'};
export const INPUTS = {...IMAGE, configMapName: 'auth-config-01234567', secretHash: 'abcdef01'};

/** The Deployment of an instance. */
export const deployed = (each: Instance, inputs = INPUTS): KubeObject =>
  deployment(each, serverTemplate(each, inputs));

export interface PodTemplate {
  metadata: {labels: Record<string, string>; annotations?: Record<string, string>};
  spec: {
    containers: {
      name: string;
      env: {name: string; value?: string}[];
      volumeMounts: {name: string; mountPath: string}[];
    }[];
    volumes: {name: string}[];
    [field: string]: unknown;
  };
}
/** What pods a manifest makes. */
export function podTemplate({kind, spec}: KubeObject): PodTemplate {
  const job = kind === 'CronJob' ? (spec as {jobTemplate: {spec: object}}).jobTemplate.spec : spec;
  return (job as {template: PodTemplate}).template;
}
/** The variables of its first container. */
export const env = (manifest: KubeObject) =>
  Object.fromEntries(
    podTemplate(manifest).spec.containers[0]?.env.map(({name, value}) => [name, value]) ?? [],
  );
