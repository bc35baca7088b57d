import {describe, expect, test} from 'vitest';
import type {KubeObject} from '../../../src/kube/objects.ts';
import {differences, OWNERSHIP} from '../../../src/operator/plan/differences.ts';
import {ownVariables, told, toldOfNew} from '../../../src/operator/plan/fields.ts';

const HASH = 'auth.fraiseql.dev/applied-hash';

function deployment(
  env: Record<string, string>,
  more: {replicas?: number; annotations?: Record<string, string>} = {},
): KubeObject {
  const {replicas = 2, annotations = {}} = more;
  const variables = Object.entries(env).map(([name, value]) => ({name, value}));
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {name: 'auth', uid: String(Math.random()), resourceVersion: String(Math.random()), annotations},
    spec: {
      replicas,
      strategy: {rollingUpdate: {maxUnavailable: 0}},
      template: {spec: {containers: [{name: 'server', image: 'a:1', env: variables, args: ['serve']}]}},
    },
    status: {replicas: Math.random()},
  };
}

const paths = (before: KubeObject | undefined, after: KubeObject | undefined, others = {}): string[] =>
  differences(before, after, others).map(({path}) => path.join('/'));

describe('what is different', () => {
  test('is told field by field, items of lists by their names, and nothing of what the server writes', () => {
    const before = deployment({A: '1', B: '2'}, {annotations: {x: 'y', [HASH]: '1'}});
    const after = deployment({B: '2', A: '3', C: '4'}, {replicas: 5, annotations: {[HASH]: '2'}});
    expect(paths(before, before)).toEqual([]);
    expect(paths(before, deployment({B: '2', A: '1'}, {annotations: {x: 'y', [HASH]: '1'}}))).toEqual([]);
    const server = 'spec/template/spec/containers/[server]/env';
    expect(paths(before, after)).toEqual([
      'metadata/annotations/x',
      'spec/replicas',
      `${server}/[A]/value`,
      `${server}/[C]/name`,
      `${server}/[C]/value`,
    ]);
  });

  test('leaves out what belongs to another, and tells of ownership where nothing else changes', () => {
    const before = deployment({}, {annotations: {[HASH]: '1'}});
    const after = deployment({}, {replicas: 1, annotations: {[HASH]: '2'}});
    expect(differences(before, after, {spec: {replicas: 3}})).toEqual([
      {path: OWNERSHIP, from: '1', to: '2'},
    ]);
  });
});

describe('what is told', () => {
  const user = [{name: 'THEIRS'}];
  const desired = deployment({LOG_LEVEL: 'info', JWT_ISSUER: 'https://a', THEIRS: 'x'});
  const own = ownVariables(desired, user);

  test('no value of a variable that is not the operator’s own, of a data field, or of what was made of Secrets', () => {
    const before = deployment(
      {LOG_LEVEL: 'debug', THEIRS: 'hush-1', ODD: 'hush-2', JWT_ISSUER: 'https://me:hush-3@b/'},
      {
        annotations: {
          'auth.fraiseql.dev/secrets-hash': 'hush-4',
          'auth.fraiseql.dev/proven-template': 'hush-5',
          note: 'password=hush-6 "secret": "hush-7"',
        },
      },
    );
    const fields = told(differences(before, desired), own);
    expect(JSON.stringify(fields)).not.toContain('hush');
    expect(fields).toContainEqual({
      path: 'spec.template.spec.containers[server].env[LOG_LEVEL].value',
      from: 'debug',
      to: 'info',
    });
    expect(fields).toContainEqual({path: 'spec.template.spec.containers[server].env[THEIRS].value'});
    expect(fields).toContainEqual({path: 'metadata.annotations[auth.fraiseql.dev/secrets-hash]'});
    const config = (text: string): KubeObject => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {name: 'c'},
      data: {'auth.yaml': text},
    });
    expect(told(differences(config('hush'), config('b')), own)).toEqual([{path: 'data[auth.yaml]'}]);
    expect(toldOfNew(config('hush'), own)).toEqual([{path: 'data', to: 'auth.yaml'}]);
  });

  test('of a new object the few fields by which one knows it', () => {
    expect(toldOfNew(desired, own)).toEqual([
      {path: 'spec.replicas', to: '2'},
      {path: 'spec.template.spec.containers[server].args', to: '["serve"]'},
      {path: 'spec.template.spec.containers[server].image', to: 'a:1'},
    ]);
  });

  test('never more, and nothing longer, than a status may hold', () => {
    const many = Object.fromEntries(Array.from({length: 40}, (_, n) => [`V${n}`, 'x'.repeat(500)]));
    const after = deployment(many);
    const fields = told(differences(deployment({}), after), ownVariables(after, []));
    expect(fields).toHaveLength(16);
    expect(fields.at(-1)?.path).toBe('… and 65 more fields');
    for (const {path, to = ''} of fields)
      expect([path.length <= 253, to.length <= 120]).toEqual([true, true]);
  });
});
