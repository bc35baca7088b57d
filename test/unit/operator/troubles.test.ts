import {describe, expect, test} from 'vitest';
import {productionSpec} from '../../fixtures/specs.ts';
import {outcome} from './objects.ts';
import {World} from './world.ts';

describe('nothing that runs is taken away', () => {
  const troubles: [string, (world: World) => void][] = [
    ['an invalid spec', (world) => world.change({publicURL: 'nonsense'})],
    ['a public URL that moves', (world) => world.change({publicURL: 'https://new.example.com'})],
    [
      'no spec at all',
      (world) => {
        world.spec = undefined as unknown as Record<string, unknown>;
        world.generation++;
      },
    ],
    ['a missing Secret', (world) => world.secret('auth-db', undefined)],
    ['a missing key', (world) => world.secret('keycloak-client', {'client-id': 'x'})],
    ['an empty value', (world) => world.secret('auth-db', {'database-url': '\n'})],
    [
      'a failed migration',
      (world) => {
        world.secret('auth-db', {'database-url': 'postgres://nowhere/x'});
        world.pass();
        world.failJob(outcome('DatabaseUnreachable', 'no answer'));
      },
    ],
  ];
  test.each(troubles)('%s', (_, trouble) => {
    const world = new World(productionSpec()).settle();
    const before = world.deployment;
    trouble(world);
    world.done = [];
    for (let hour = 0; hour < 3; hour++) {
      world.pass();
      world.now += 3_600_000;
    }
    expect(world.done.filter((each) => !/Job/.test(each))).toEqual([]);
    expect(world.deployment).toBe(before);
    expect(world.condition('Ready')?.status).toBe('False');
    expect(world.condition('Available')?.status).toBe('True');
    expect(world.condition('Ready')?.message).toContain('What runs keeps serving (3 of 3 pods ready)');
  });

  test('its Service is made again even while something else is wrong', () => {
    const world = new World().settle();
    world.secret('auth-db', undefined);
    world.children.delete('Service/auth');
    expect(world.pass()).toEqual(['create Service/auth']);
  });
});
