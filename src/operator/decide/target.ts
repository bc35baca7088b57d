import {serverTemplate, type ServerTemplate} from '../desired/deployment.ts';
import {shortHash} from '../desired/hash.ts';
import type {Instance} from '../desired/instance.ts';
import {migrationJobName, type MigrationInputs} from '../desired/migration-job.ts';
import type {Alias} from './decision.ts';
import type {Release} from './keeping.ts';
import {databaseHashOf, type SecretsFinding} from './secrets.ts';

/** Where a spec leads: the pods that it asks for, and the schema that they need of its database. */
export interface Target {
  /** Of all Secret data that the pods read. */
  readonly secretHash: string;
  readonly template: ServerTemplate;
  readonly schema: MigrationInputs;
}

/** What a target is made of, but for the state key. */
interface TargetInputs {
  readonly instance: Instance;
  readonly release: Release;
  readonly schemaVersion: string;
  readonly configMapName: string;
  readonly secrets: SecretsFinding;
}

/** The target, where the key that seals logins has this hash, or is what stands in its place. */
export function targetOf(inputs: TargetInputs, stateKey: string): Target {
  const {instance, release, schemaVersion, configMapName, secrets} = inputs;
  const secretHash = `${secrets.serverHash}${stateKey.slice(0, 8)}`;
  return {
    secretHash,
    template: serverTemplate(instance, {...release, configMapName, secretHash}),
    schema: {
      image: release.image,
      // What an image of the user's own needs, its name stands for: whatever this operator's would need.
      ...(instance.spec.image === undefined && {schemaVersion}),
      databaseHash: databaseHashOf(secrets, stateKey),
    },
  };
}

/** The texts in a target that depend on the state key, each beside what it was before that key was made. */
export function aliasesOf(instance: Instance, now: Target, then: Target): Alias[] {
  return [
    [now.secretHash, then.secretHash],
    [shortHash(now.template), shortHash(then.template)],
    [now.schema.databaseHash, then.schema.databaseHash],
    [migrationJobName(instance, now.schema), migrationJobName(instance, then.schema)],
  ];
}
