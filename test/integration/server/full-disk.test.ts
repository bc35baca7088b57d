// /dev/full is a disk without room: whatever is written to it fails with ENOSPC.
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {developmentKey} from '../../../src/support/configuration/signing-keys.ts';
import {freePort} from '../../support/ports.ts';
import {startProgram, type ProgramRun} from '../../support/program.ts';
import {serverEnv, startStack, until, type Stack} from '../../support/server/stack.ts';

const onto = (file: string): {through: string[]} => ({through: ['sh', '-c', `exec "$@" > ${file}`, 'sh']});

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.close());

const environment = (port: number): Record<string, string> => ({
  ...serverEnv(stack.database.url, stack.provider.issuer),
  PORT: String(port),
  JWT_SIGNING_KEY: String(developmentKey('ES256').privateKey?.export({type: 'pkcs8', format: 'pem'})),
  JWT_ALGORITHM: 'ES256',
  DRAIN_SECONDS: '0',
});

describe('where standard output is on a disk that is full', () => {
  it('the server serves on, counts what is lost, says it once, and ends in order', async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const {child, ended} = await startProgram(['serve'], environment(port), onto('/dev/full'));
    let run: ProgramRun;
    try {
      await until('ready', async () => (await statusOf(`${url}/health/auth`)) === 200, 45_000);
      // Each leaves a line in the log and one in the audit trail.
      for (let callback = 0; callback < 3; callback++)
        expect(await statusOf(`${url}/auth/callback?state=unknown&code=made-up`)).toBe(400);
      const metrics = await (await fetch(`${url}/metrics`)).text();
      expect(Number(/^fraiseql_auth_log_lines_lost_total (\d+)$/m.exec(metrics)?.[1])).toBeGreaterThan(6);
    } finally {
      child.kill('SIGTERM');
      run = await ended;
    }
    expect(run.code).toBe(0);
    expect(run.output).toMatch(/^standard output takes no lines \(ENOSPC: .+\n$/);
  });

  it('a Job ends, with its exit code and its outcome', async () => {
    const well = await startProgram(['db', 'migrate'], {DATABASE_URL: stack.database.url}, onto('/dev/full'));
    expect(await well.ended).toMatchObject({code: 0, outcome: {ok: true, kind: 'migrate'}});
    const badly = await startProgram(['backup'], {DATABASE_URL: stack.database.url}, onto('/dev/full'));
    expect(await badly.ended).toMatchObject({code: 1, outcome: {ok: false, kind: 'backup'}});
  });
});

async function statusOf(url: string): Promise<number> {
  try {
    return (await fetch(url)).status;
  } catch (error) {
    if (error instanceof TypeError) return 0;
    throw error;
  }
}
