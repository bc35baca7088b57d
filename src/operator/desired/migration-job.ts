import type {KubeObject} from '../../kube/objects.ts';
import {childMeta} from './children.ts';
import {commandPod} from './command-pod.ts';
import {shortHash} from './hash.ts';
import type {Instance} from './instance.ts';
import {names} from './names.ts';

/** The command says itself that it ran out of time; it is ended from outside only where it cannot. */
const GRACE_SECONDS = 60;

/** Which schema a migration brings, by which image, and to which database. */
export interface MigrationInputs {
  readonly image: string;
  /** What the image's version needs, where that is known: of an image that a spec names it is not. */
  readonly schemaVersion?: string;
  /** Stands for the database; nobody learns its URL from it. */
  readonly databaseHash: string;
}

/** The Job that brings this database to this schema. Its name says which: another image or database is another Job. */
export function migrationJobName(
  instance: Instance,
  {image, schemaVersion, databaseHash}: MigrationInputs,
): string {
  return names(instance).migration(shortHash({image, schemaVersion, databaseHash}));
}

/** One attempt. It does not try again by itself: the reconciler does, with back-off, and says why in the status. */
export function migrationJob(instance: Instance, inputs: MigrationInputs): KubeObject {
  const {spec} = instance;
  const {schemaVersion} = inputs;
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: childMeta(instance, migrationJobName(instance, inputs), 'migration', {
      annotations: {
        ...(schemaVersion !== undefined && {'auth.fraiseql.dev/schema-version': schemaVersion}),
        'auth.fraiseql.dev/database-hash': inputs.databaseHash,
      },
    }),
    spec: {
      backoffLimit: 0,
      activeDeadlineSeconds: spec.migrations.timeoutSeconds + GRACE_SECONDS,
      template: commandPod(instance, {
        component: 'migration',
        serviceAccountName: names(instance).server,
        name: 'migrate',
        image: inputs.image,
        args: ['db', 'migrate'],
        env: [{name: 'MIGRATION_TIMEOUT_SECONDS', value: String(spec.migrations.timeoutSeconds)}],
      }),
    },
  };
}
