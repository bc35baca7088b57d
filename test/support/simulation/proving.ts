import {REFUSED} from '../../../src/operator/decide/refusal.ts';
import {developmentSpec, productionSpec} from '../../fixtures/specs.ts';
import {IMAGES} from './pods.ts';
import {LONG_MS, type Scenario} from './scenario.ts';
import type {Simulation} from './simulation.ts';

const tokens = {algorithm: 'ES256'};
const running = developmentSpec({tokens, replicas: 2, rollout: {progressDeadline: '1m'}});
const changed = {...running, tokens: {...tokens, accessTTL: '30m'}};
const scaled = productionSpec({tokens, backup: {policy: 'None'}});

/** Waits for what a condition says, as a person does. */
async function until(simulation: Simulation, reason: string): Promise<void> {
  await simulation.time.run(LONG_MS, () => simulation.says(reason));
}

/** Changes that do not prove themselves, or only later, and what is put to sleep. */
export const PROVING: readonly Scenario[] = [
  {
    name: 'a check that refuses',
    before: [running],
    happens: (simulation) => simulation.spec({...running, image: IMAGES.refusing}),
    done: (simulation) => simulation.says('ConfigurationInvalid'),
  },
  {
    name: 'a check that refuses, and the way back',
    before: [running],
    async happens(simulation) {
      simulation.spec({...running, image: IMAGES.refusing});
      await until(simulation, 'ConfigurationInvalid');
      simulation.spec(running);
    },
  },
  {
    name: 'a check whose pod cannot start, twice',
    before: [running],
    happens: (simulation) => simulation.spec({...running, image: IMAGES.missing}),
    done: (simulation) => simulation.says('ImagePullFailed') && tries(simulation) >= 2,
  },
  afterCheck('a check that is tried again after its rest', 'refuses', 'ProviderInvalid'),
  afterCheck('a provider that is away during a check', 'away', 'ProviderUnreachable'),
  {
    name: 'a roll-out that fails and is taken back',
    before: [running],
    happens: (simulation) => simulation.spec({...running, image: IMAGES.unready}),
    done: (simulation) => simulation.says('RolledBack'),
  },
  {
    name: 'a roll-out that is taken back, and tried again after its rest',
    before: [running],
    async happens(simulation) {
      simulation.outside.podsBecomeReady = false;
      simulation.spec(changed);
      await until(simulation, 'RolledBack');
      simulation.outside.podsBecomeReady = true;
    },
  },
  {
    name: 'falling asleep',
    before: [scaled],
    happens: (simulation) => simulation.spec({...scaled, runState: 'Hibernated'}),
    done: (simulation) => simulation.says('Hibernated') && simulation.service.ready === 0,
  },
  {
    name: 'waking',
    before: [scaled, {...scaled, runState: 'Hibernated'}],
    happens: (simulation) => simulation.spec(scaled),
    done: (simulation) => simulation.isReady() && simulation.service.ready === 3,
  },
  {
    name: 'from Paused to Active',
    before: [running, {...running, management: 'Paused'}, {...changed, management: 'Paused'}],
    happens: (simulation) => simulation.spec(changed),
  },
];

/** How often what the Deployment remembers was tried in vain. */
function tries({api}: Simulation): number {
  const live = api.list('deployments').find(({metadata}) => metadata.annotations?.[REFUSED] !== undefined);
  return (JSON.parse(live?.metadata.annotations?.[REFUSED] ?? '{}') as {tries?: number}).tries ?? 0;
}

/** A change whose check the provider keeps from passing, until that is told. */
function afterCheck(name: string, provider: 'refuses' | 'away', reason: string): Scenario {
  return {
    name,
    before: [running],
    async happens(simulation) {
      simulation.outside.provider = provider;
      simulation.spec(changed);
      await until(simulation, reason);
      simulation.outside.provider = 'accepts';
    },
  };
}
