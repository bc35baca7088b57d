import {expect, test} from 'vitest';
import {productionSpec} from '../../../fixtures/specs.ts';
import {Simulation} from '../../../support/simulation/simulation.ts';

const MINUTE = 60_000;

test.each([true, false])(
  'a service that sleeps costs the API server nothing; its backups were suspended before: %s',
  async (suspend) => {
    const simulation = new Simulation(1);
    const operator = simulation.start();
    await simulation.time.run(MINUTE, () => operator.leading);
    const s3 = {bucket: 'backups', credentialsSecretRef: {name: 's3'}};
    const spec = productionSpec({tokens: {algorithm: 'ES256'}, backup: {suspend, destination: {s3}}});
    simulation.spec(spec);
    expect(await simulation.settle()).toBe(true);
    simulation.spec({...spec, runState: 'Hibernated'});
    await simulation.time.run(5 * MINUTE);
    let calls = 0;
    operator.client.beforeWrite = () => void calls++;
    await simulation.time.run(60 * MINUTE);
    const ready = simulation.resource?.status?.conditions?.find(({type}) => type === 'Ready');
    expect({calls, reason: ready?.reason}).toEqual({calls: 0, reason: 'Hibernated'});
    simulation.stopAll();
  },
);
