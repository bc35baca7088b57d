import * as fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {checkSpec} from '../../../src/api/v1alpha1/check.ts';
import {developmentSpec, fullSpec, productionSpec, provider, resource} from '../../fixtures/specs.ts';
import {specArbitrary} from '../../fixtures/spec-arbitraries.ts';
import {AFFINITY} from '../../fixtures/spec-values.ts';
import {WRONG_SPECS} from '../../fixtures/wrong-specs.ts';

describe('checkSpec', () => {
  test.each([developmentSpec(), productionSpec(), fullSpec()])('finds nothing in a valid spec', (spec) => {
    expect(checkSpec(resource(spec))).toEqual([]);
  });

  test.each(WRONG_SPECS)('finds $title, and says where', ({spec, name, field}) => {
    const errors = checkSpec(resource(spec, name));
    expect(errors.length).toBeGreaterThan(0);
    for (const each of errors) {
      expect(each.message).toMatch(/\S/);
      expect(each.field).toMatch(/^(spec|metadata)/);
    }
    expect(errors.some((each) => each.field.startsWith(field) || field.startsWith(each.field))).toBe(true);
  });

  test('says all that is wrong at once', () => {
    const errors = checkSpec(
      resource(
        developmentSpec({
          publicURL: 'api.example.com',
          tokens: {accessTTL: 'soon'},
          providers: [provider({name: 'Key Cloak'})],
        }),
      ),
    );
    expect(errors.map(({field}) => field).sort()).toEqual([
      'spec.providers[0].name',
      'spec.publicURL',
      'spec.tokens.accessTTL',
    ]);
  });

  test('counts connections exactly', () => {
    const spec = (poolSize: number) =>
      developmentSpec({replicas: 2, database: {urlSecretRef: {name: 'db'}, poolSize, connectionBudget: 30}});
    expect(checkSpec(resource(spec(10)))).toEqual([]);
    expect(checkSpec(resource(spec(11)))[0]?.message).toContain(
      '3 pods (one more while rolling out) with 11 connections each are 33, above spec.database.connectionBudget 30: lower poolSize to 10, or raise connectionBudget to 33',
    );
  });

  test.each([{poolSize: 1}, {poolSize: 2}, {}])(
    'counts a pod with two connections at the least: %o',
    (pool) => {
      const errors = (replicas: number) =>
        checkSpec(
          resource(
            developmentSpec({replicas, database: {urlSecretRef: {name: 'db'}, connectionBudget: 9, ...pool}}),
          ),
        );
      expect(errors(3)).toEqual([]);
      expect(errors(4)).toEqual([
        {
          field: 'spec.database.connectionBudget',
          message: expect.stringContaining('raise it to 10') as string,
        },
      ]);
      expect(errors(4)[0]?.message).toContain('lower the number of pods to 3');
    },
  );

  test('does not advise a pool that no pod can have', () => {
    const database = {urlSecretRef: {name: 'db'}, connectionBudget: 9, poolSize: 3};
    const [pool] = checkSpec(resource(developmentSpec({replicas: 8, database})));
    expect(pool).toMatchObject({field: 'spec.database.poolSize'});
    expect(pool?.message).toContain('lower the number of pods, or raise connectionBudget to 27');
  });

  test('says how often keys may rotate, and takes that', () => {
    const spec = (rotateEvery: string) =>
      developmentSpec({
        tokens: {accessTTL: '24h'},
        signingKeys: {rotateEvery, publishBefore: '1h'},
      });
    const [error] = checkSpec(resource(spec('2h')));
    expect(error).toMatchObject({field: 'spec.signingKeys.rotateEvery'});
    expect(error?.message).toContain('raise it to 215m or more');
    expect(checkSpec(resource(spec('214m')))).toHaveLength(1);
    expect(checkSpec(resource(spec('215m')))).toEqual([]);
    expect(checkSpec(resource(spec('0s')))).toEqual([]);
  });

  test('knows every field of affinity, and one without a value', () => {
    const spec = (affinity: object) => developmentSpec({pod: {affinity}});
    expect(checkSpec(resource(spec(AFFINITY)))).toEqual([]);
    expect(checkSpec(resource(spec({nodeAffinity: null})))).toEqual([]);
    const anti = {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{weight: 1, also: 2}]}};
    const place = 'spec.pod.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0]';
    expect(checkSpec(resource(spec(anti))).map(({field}) => field)).toEqual([
      `${place}.topologyKey`,
      `${place}.weight`,
      `${place}.also`,
    ]);
  });

  test.each(['Europe/Paris', 'UTC', 'America/Argentina/Buenos_Aires', 'US/Eastern'])(
    'knows %s',
    (timeZone) => {
      expect(checkSpec(resource(withBackup({timeZone})))).toEqual([]);
    },
  );

  test('wants a time zone as the database spells it', () => {
    expect(checkSpec(resource(withBackup({timeZone: 'Europe/PARIS'})))).toEqual([
      {field: 'spec.backup.timeZone', message: expect.stringContaining('is spelled Europe/Paris') as string},
    ]);
  });

  test.each(['0 0 29 2 *', '0 0 31 1,3 *', '@monthly'])('lets %s be, which comes some day', (schedule) => {
    expect(checkSpec(resource(withBackup({schedule})))).toEqual([]);
  });

  test('checks no schedule where there are no backups', () => {
    expect(checkSpec(resource(developmentSpec({backup: {policy: 'None', schedule: '0 0 30 2 *'}})))).toEqual(
      [],
    );
  });

  test('never throws, whatever stands there', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(checkSpec({spec: value}).length).toBeGreaterThan(0);
      }),
    );
    fc.assert(
      fc.property(specArbitrary, fc.string(), fc.jsonValue(), (spec, key, value) => {
        expect(Array.isArray(checkSpec(resource({...spec, [key]: value})))).toBe(true);
      }),
    );
  });
});

function withBackup(more: object) {
  return developmentSpec({backup: {destination: {pvc: {claimName: 'backups'}}, ...more}});
}
