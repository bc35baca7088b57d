// The cluster that a contributor brings. Docker and kind are played by stand-ins, which say what they were asked for; what they
// stand before is real.
import {readFile, stat, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {startApiServer, type TestApiServer} from '../../support/apiserver.ts';
import {clusterTools} from '../../support/cluster-tools.ts';
import {bash, first, programs, scratch} from './shell.ts';

let api: TestApiServer;
beforeAll(async () => {
  api = await startApiServer();
  // Their helm and kubectl are those of the test cluster.
  await clusterTools(api.kubeconfigPath);
});
afterAll(() => api.stop());

/** Stand-ins that write what they are asked for into a file, which `asked` reads. */
async function standIns(bodies: Readonly<Record<string, string>>) {
  const log = join(await scratch(), 'asked');
  const directory = await programs(
    Object.fromEntries(
      Object.entries(bodies).map(([name, body]) => [name, `echo "${name} $*" >>'${log}'\n${body}`]),
    ),
  );
  const asked = async (): Promise<string[]> => (await readFile(log, 'utf8')).trim().split('\n');
  return {PATH: first(directory), asked};
}

describe('with a Docker engine', () => {
  const DOCKER = 'if [ "$1" = save ]; then echo "archive of $4" >"$3"; fi';
  const images = ['fraiseql-auth', 'fraiseql-auth-fixtures'] as const;

  test.each([
    [
      'image',
      images[0],
      [/^docker build .*--target runtime \//, /^docker build .*--build-arg VERSION=\d\S* \//],
    ],
    [
      'fixtures-image',
      images[1],
      [
        /^docker build .*--target runtime \//,
        /^docker build .*RUNTIME_IMAGE=localhost\/fraiseql-auth-runtime:dev/,
      ],
    ],
  ] as const)('test/cluster/%s lets it build %s, and saves what it built', async (script, name, builds) => {
    const {asked, PATH} = await standIns({docker: DOCKER});
    const out = join(await scratch(), 'image.tar');
    const {code, said} = await bash(`test/cluster/${script} --out ${out}`, {
      PATH,
      KUBECONFIG_EXISTING: api.kubeconfigPath,
    });
    expect(code, `it said: ${said}`).toBe(0);
    const done = (await asked()).filter((line) => line !== 'docker info');
    expect(done).toEqual([
      ...builds.map((build) => expect.stringMatching(build)),
      `docker save --output ${out}.partial localhost/${name}:dev`,
    ]);
    expect(await readFile(out, 'utf8')).toBe(`archive of localhost/${name}:dev\n`);
  });
});

describe('kind', () => {
  test('makes the cluster where it is missing, away from the own kubeconfig, and loads images', async () => {
    const {asked, PATH} = await standIns({
      kind: `case "$1 $2" in 'get kubeconfig') cat '${api.kubeconfigPath}' ;; esac`,
    });
    const archive = join(await scratch(), 'image.tar');
    await writeFile(archive, '');
    const inside = `kubectl create namespace lent; test/cluster/load ${archive}; stat -c "%a %n" "$KUBECONFIG"`;
    const env = {PATH, CLUSTER: 'kind', KUBECONFIG_EXISTING: undefined, KIND_CLUSTER: undefined};
    const {code, said} = await bash(`test/cluster/run bash -c '${inside}'`, env);
    expect(code, `it said: ${said}`).toBe(0);
    expect(said).toContain('namespace/lent created');
    const [, mode, path = ''] = /^(\d+) (\S*fraiseql-kubeconfig\S*)$/m.exec(said) ?? [];
    expect(mode).toBe('600');
    expect(await asked()).toEqual([
      'kind get clusters',
      `kind create cluster --name fraiseql-auth --kubeconfig ${path} --wait 120s`,
      'kind get kubeconfig --name fraiseql-auth',
      `kind load image-archive --name fraiseql-auth ${archive}`,
    ]);
    await expect.poll(() => stat(path).catch((error: NodeJS.ErrnoException) => error.code)).toBe('ENOENT');
  });
});

describe('what is missing is named', () => {
  test.each([
    ['a kubeconfig', {KUBECONFIG_EXISTING: '/nowhere/config'}, 'there is no file /nowhere/config'],
    ['kind', {CLUSTER: 'kind', PATH: '/usr/bin:/bin'}, 'kind is not on PATH: install it'],
  ])('%s', async (_what, env, named) => {
    const {code, said} = await bash('test/cluster/run true', {KUBECONFIG_EXISTING: undefined, ...env});
    expect(code).toBe(1);
    expect(said).toContain(named);
  });

  test('helm', async () => {
    const {code, said} = await bash('test/cluster/run true', {
      PATH: `${await programs({kubectl: ''})}:/usr/bin:/bin`,
      FRAISEQL_CACHE: await scratch(),
      KUBECONFIG_EXISTING: api.kubeconfigPath,
    });
    expect(code).toBe(1);
    expect(said).toContain('helm is not on PATH: install it');
  });

  test('the way to bring an image into it', async () => {
    const archive = join(await scratch(), 'image.tar');
    await writeFile(archive, '');
    const {code, said} = await bash(`test/cluster/run test/cluster/load ${archive}`, {
      KUBECONFIG_EXISTING: api.kubeconfigPath,
      LOAD_COMMAND: undefined,
    });
    expect(code).toBe(1);
    expect(said).toContain('set LOAD_COMMAND to');
  });
});

test('the end-to-end tests do not begin outside of a cluster that was handed to them', async () => {
  const {code, said} = await bash('npx --no-install vitest run --project e2e mistakes', {
    KUBECONFIG: api.kubeconfigPath,
    FRAISEQL_CLUSTER_KIND: undefined,
  });
  expect(code).not.toBe(0);
  expect(said).toContain('not inside a cluster: use it as part of the command of test/cluster/run');
});

test('tests of the cluster that the tests make do not take another one', async () => {
  for (const script of ['test/cluster/selftest', 'scripts/bench']) {
    const {code, said} = await bash(script, {KUBECONFIG_EXISTING: api.kubeconfigPath});
    expect(code).toBe(1);
    expect(said).toContain('unset KUBECONFIG_EXISTING and CLUSTER');
  }
});
