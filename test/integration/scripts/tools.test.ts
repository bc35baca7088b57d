import {readdir, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {describe, expect, test} from 'vitest';
import {bash, first, programs, scratch} from './shell.ts';

describe('Go for the test cluster', () => {
  const ask = 'source test/cluster/lib/common.sh; source test/cluster/lib/components.sh; require_go';
  const withGo = async (version: string, toolchain: string) =>
    bash(ask, {PATH: first(await programs({go: `printf '%s\\n' '${version}' '${toolchain}'`}))});

  test.each([
    ['go1.19.8', ''],
    ['go1.24.4', 'local'],
    ['go1.20.14', 'auto'],
  ])('%s with GOTOOLCHAIN=%s is refused, with its version and what to do', async (version, toolchain) => {
    const {code, said} = await withGo(version, toolchain);
    expect(code).toBe(1);
    expect(said).toContain(`is Go ${version.slice(2)}, which is too old`);
    expect(said).toMatch(/install Go 1\.\d+ or newer/);
  });

  test.each([
    ['go1.25.0', 'local'],
    ['go1.30rc1', 'local'],
    ['go1.22.2', 'auto'],
  ])('%s with GOTOOLCHAIN=%s is taken', async (version, toolchain) => {
    expect(await withGo(version, toolchain)).toEqual({code: 0, said: ''});
  });
});

describe('Chromium for the tests of the pages', () => {
  /** scripts/chromium on a machine of that distribution, which has none, and whose packages bring none. */
  const on = async (osRelease: string, env: Readonly<Record<string, string | undefined>> = {}) => {
    const directory = await scratch();
    await writeFile(join(directory, 'os-release'), osRelease);
    await writeFile(join(directory, 'chromium'), '');
    const inside = `
      mount --bind ${directory}/os-release /etc/os-release
      [ ! -e /usr/bin/chromium ] || mount --bind ${directory}/chromium /usr/bin/chromium
      exec scripts/chromium`;
    return bash(`exec unshare $([ "$(id -u)" = 0 ] || echo --map-root-user) --mount bash -c '${inside}'`, {
      PATH: first(await programs({'apt-get': 'echo "apt-get $*" >&2'})),
      STAGE_LOGS: await scratch(),
      CHROMIUM: undefined,
      ...env,
    });
  };

  test("Ubuntu's snap is refused before anything is installed", async () => {
    const {code, said} = await on('NAME="Ubuntu"\nID=ubuntu\nID_LIKE=debian\n');
    expect(code).toBe(1);
    expect(said).toMatch(/snap.*set CHROMIUM to/);
    expect(said).not.toContain('apt-get');
  });

  test('a package that brings no browser is no success', async () => {
    const {code, said} = await on('ID=debian\n');
    expect(code).toBe(1);
    expect(said).toContain('has brought no /usr/bin/chromium: set CHROMIUM to');
  });

  test('CHROMIUM names another one, which must be there', async () => {
    expect(await on('ID=ubuntu\n', {CHROMIUM: process.execPath})).toEqual({code: 0, said: ''});
    expect(await on('ID=debian\n', {CHROMIUM: '/nowhere/chrome'})).toEqual({
      code: 1,
      said: 'CHROMIUM=/nowhere/chrome is no program\n',
    });
  });
});

test('all suites: of a directory for logs that somebody named, only the logs of a run before are removed', async () => {
  const logs = await scratch();
  for (const name of ['unit.log', 'cluster.code', 'thesis.tex', 'other.log'])
    await writeFile(join(logs, name), '1 passed, 0 failed');
  // Not Linux, so that it ends where the cluster's parts would be installed.
  const {code, said} = await bash('scripts/test', {
    PATH: first(await programs({uname: 'echo Plan9'})),
    FRAISEQL_CACHE: await scratch(),
    STAGE_LOGS: logs,
    KUBECONFIG_EXISTING: undefined,
    CLUSTER: undefined,
  });
  expect(said).toContain('the test cluster needs Linux');
  expect(said).toContain('0 passed, 1 failed');
  expect(code).toBe(1);
  expect(await readdir(logs)).toEqual(['other.log', 'thesis.tex']);
});

describe('PostgreSQL for the server for development', () => {
  /** scripts/postgres for that user on a machine without PostgreSQL, whose packages bring none. */
  const on = async (uid: number, env: Readonly<Record<string, string>> = {}) => {
    const nothing = await scratch();
    const fakes = await programs({'apt-get': 'echo "apt-get $*" >&2', id: `echo ${uid}`});
    const inside = `
      [ ! -e /usr/lib/postgresql ] || mount --bind ${nothing} /usr/lib/postgresql
      [ ! -e /etc/postgresql-common ] || mount --bind ${nothing} /etc/postgresql-common
      PATH=${fakes}:$PATH exec scripts/postgres`;
    return bash(`exec unshare $([ "$(id -u)" = 0 ] || echo --map-root-user) --mount bash -c '${inside}'`, {
      STAGE_LOGS: await scratch(),
      ...env,
    });
  };

  test('who may not install it is told what to install, or to name', async () => {
    const {code, said} = await on(1000);
    expect(code).toBe(1);
    expect(said).toMatch(/There is no PostgreSQL here: .*apt-get install .*postgresql.*set POSTGRES_BIN/);
    expect(said).not.toContain('brought');
  });

  test('root brings the package, and a package that brings none is no success', async () => {
    const {code, said} = await on(0);
    expect(code).toBe(1);
    expect(said).toContain('ok PostgreSQL');
    expect(said).toContain('has brought no initdb');
  });

  test('another one is taken by its directory or from PATH, without a word', async () => {
    const directory = await programs({initdb: ''});
    expect(await on(1000, {POSTGRES_BIN: directory})).toEqual({code: 0, said: ''});
    expect(await on(1000, {PATH: first(directory)})).toEqual({code: 0, said: ''});
  });
});
