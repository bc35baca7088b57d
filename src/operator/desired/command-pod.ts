import {labels, type Component} from './children.ts';
import type {Instance} from './instance.ts';
import {PATHS} from './paths.ts';
import {
  SCRATCH,
  containerBasics,
  databaseAccess,
  extraEnv,
  podAnnotations,
  podBasics,
  podLabels,
  type EnvVar,
  type MountedVolume,
} from './pod.ts';

interface Command {
  readonly component: Component;
  /** For the label, where the pod rolls with the version. */
  readonly version?: string;
  readonly serviceAccountName: string;
  /** The container's name. */
  readonly name: string;
  readonly image: string;
  readonly args: readonly string[];
  /** What it is told beside how it comes to the database. */
  readonly env: readonly EnvVar[];
  readonly volumes?: readonly MountedVolume[];
}

/** A pod that runs one command on the database, and says at its end what came of it. */
export function commandPod(instance: Instance, command: Command) {
  const {spec} = instance;
  const {component, version, serviceAccountName, name, image, args} = command;
  const database = databaseAccess(spec);
  const volumes = [SCRATCH, ...database.files, ...(command.volumes ?? [])];
  const annotations = podAnnotations(spec);
  return {
    metadata: {
      labels: {...podLabels(spec), ...labels(instance, component, version)},
      ...(Object.keys(annotations).length > 0 && {annotations}),
    },
    spec: {
      restartPolicy: 'Never',
      ...podBasics(instance, serviceAccountName),
      containers: [
        {
          name,
          image,
          args,
          env: [
            ...database.env,
            ...command.env,
            {name: 'LOG_LEVEL', value: spec.logging.level},
            {name: 'TERMINATION_LOG', value: PATHS.termination},
            ...extraEnv(spec),
          ],
          ...containerBasics(spec),
          volumeMounts: volumes.map(({mount}) => mount),
        },
      ],
      volumes: volumes.map(({volume}) => volume),
    },
  };
}
