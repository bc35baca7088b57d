import {RESOURCES, type KubeObject} from '../../../../src/kube/objects.ts';
import {NAMED_SECRETS} from '../../../fixtures/good-specs.ts';
import type {Entry} from '../../../support/simulation/api.ts';
import {difference, essence} from '../../../support/simulation/essence.ts';
import {NAMESPACE} from '../../../support/simulation/process.ts';
import type {Simulation} from '../../../support/simulation/simulation.ts';
import {simulated} from './play.ts';

/** FAULT_RUNS is for the mixtures of faults; the properties, which take longer, run a fifth as often. */
export const RUNS = Math.ceil(Number(process.env['FAULT_RUNS'] ?? '30') / 5);
export const FIRST_SEED = Number(process.env['FAULT_SEED'] ?? process.env['FAULT_BASE'] ?? '1');

/** The user's Secrets as they are meant to be, and the one ConfigMap that generated specs name. */
export function giveSecrets(simulation: Simulation): void {
  simulation.secret('keycloak-client', {'client-id': 'auth', 'client-secret': 'hush'});
  for (const [name, values] of Object.entries(NAMED_SECRETS)) simulation.secret(name, values);
  const metadata = {namespace: NAMESPACE, name: 'a'};
  if (simulation.api.get(RESOURCES.ConfigMap, metadata) !== undefined) return;
  const object = {apiVersion: 'v1', kind: 'ConfigMap', metadata, data: {b: 'x'}};
  simulation.api.write('user', {verb: 'create', type: RESOURCES.ConfigMap, object, manager: 'user'});
}

const references = new Map<string, Record<string, unknown>>();

/** What a fresh resource of a spec comes to. */
export async function fresh(spec: Record<string, unknown>): Promise<Record<string, unknown>> {
  const id = JSON.stringify(spec);
  const known = references.get(id);
  if (known !== undefined) return known;
  const state = await simulated(1, async (simulation) => {
    simulation.start();
    giveSecrets(simulation);
    simulation.spec(spec);
    await comeToRest(simulation);
    return essence(simulation, {jobs: false});
  });
  references.set(id, state);
  return state;
}

/** Until it is as wanted, also its keys: those of another algorithm are there until their last token has expired. */
export async function comeToRest(simulation: Simulation): Promise<void> {
  const keys = (): number => simulation.resource?.status?.signingKeys?.length ?? 0;
  const rested = await simulation.rest(() => simulation.isAsWanted() && keys() === 1, 12 * 60 * 60_000);
  if (!rested) throw new Error(`not at rest: ${simulation.unrest()}`);
}

/** What is changed in a quarter of an hour in which nothing happens; but that a backup is due is a matter of time. */
export async function silence(simulation: Simulation): Promise<string[]> {
  const from = simulation.api.log.length;
  await simulation.time.run(15 * 60_000);
  return simulation.api.log.slice(from).flatMap(changesOf);
}

function changesOf({plural, before, after}: Entry): string[] {
  if (plural === 'leases' || plural === 'events') return [];
  return difference(timeless(before), timeless(after)).map((line) => `${plural} ${line}`);
}

function timeless(object: KubeObject | undefined): Record<string, unknown> {
  const {
    conditions,
    backup: _,
    ...status
  } = (object?.['status'] ?? {}) as {
    conditions?: {type: string}[];
    backup?: unknown;
  };
  const {resourceVersion: __, ...metadata} = object?.metadata ?? {name: ''};
  return {
    ...object,
    metadata,
    status: {...status, conditions: conditions?.filter(({type}) => type !== 'BackupHealthy')},
  };
}
