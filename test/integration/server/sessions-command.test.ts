// An administrator's `fraiseql-auth sessions`, beside servers that run: what it ends they refuse.
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, it, onTestFinished} from 'vitest';
import type {RunningServer} from '../../../src/server/server.ts';
import {runProgram, type ProgramRun} from '../../support/program.ts';
import {holdSession, verifyStatus, type HeldSession} from '../../support/server/sessions.ts';
import {startStack, until, type Stack} from '../../support/server/stack.ts';

const OTHER_ISSUER = 'https://other.example.com';
let stack: Stack;
let servers: RunningServer[];

beforeAll(async () => {
  stack = await startStack();
  servers = await Promise.all([stack.server(), stack.server()]);
});
afterAll(() => stack.close());

const sessions = (...args: string[]): Promise<ProgramRun> =>
  runProgram(['sessions', ...args], {DATABASE_URL: stack.database.url});

const hold = (subject: string, issuer?: string): Promise<HeldSession> => {
  const [server] = servers;
  if (server === undefined) throw new Error('there is no server');
  return holdSession(server, {subject, ...(issuer !== undefined && {issuer})});
};

const statuses = (held: HeldSession): Promise<number[]> =>
  Promise.all(servers.map((server) => verifyStatus(server, held)));

/** Every replica refuses it within the second that the server promises. */
async function refused(held: HeldSession): Promise<void> {
  await until(
    `${held.id} to be refused`,
    async () => (await statuses(held)).every((status) => status === 401),
    1_000,
  );
  const [server] = servers;
  const refresh = await fetch(`${server?.url}/auth/refresh`, {
    method: 'POST',
    headers: {'content-type': 'application/json'},
    body: JSON.stringify({refresh_token: held.refresh}),
  });
  expect(refresh.status).toBe(401);
}

const entries = ({output}: ProgramRun): Record<string, unknown>[] =>
  output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('sessions end', () => {
  it('ends one session and no other of its user', async () => {
    const [one, other] = [await hold('one'), await hold('one')];
    expect(await statuses(one)).toEqual([200, 200]);
    const run = await sessions('end', '--session', one.id);
    expect(run).toMatchObject({code: 0, output: expect.stringContaining('Ended: 1 session(s)')});
    await refused(one);
    expect(await statuses(other)).toEqual([200, 200]);

    const again = await sessions('end', '--session', one.id);
    expect(again).toMatchObject({code: 0, output: expect.stringContaining('no session left')});
    expect(entries(again)).toEqual([]);
  });

  it('ends all of a user, and writes a whole chain of audit entries', async () => {
    const held = [await hold('theft'), await hold('theft'), await hold('theft')];
    const bystander = await hold('bystander');
    for (const each of [...held, bystander]) expect(await statuses(each)).toEqual([200, 200]);
    const run = await sessions('end', '--user', 'theft');
    expect(run.code).toBe(0);
    for (const each of held) await refused(each);
    expect(await statuses(bystander)).toEqual([200, 200]);

    expect(entries(run)).toHaveLength(3);
    expect(new Set(entries(run).map(({session}) => session))).toEqual(new Set(held.map(({id}) => id)));
    for (const entry of entries(run))
      expect(entry).toMatchObject({
        component: 'audit',
        event: 'session_revoked',
        actor: 'fraiseql-auth sessions end',
        user: held[0]?.userId,
        provider: 'oidc',
        outcome: 'success',
        reason: 'administrator',
      });
    const directory = await mkdtemp(join(tmpdir(), 'sessions-'));
    onTestFinished(() => rm(directory, {recursive: true}));
    const log = join(directory, 'audit.log');
    await writeFile(log, run.output);
    const verified = await runProgram(['audit', 'verify', log], {});
    expect(verified).toMatchObject({code: 0, output: expect.stringContaining('whole: 3 entries')});
  });

  it('asks which of two users of one subject is meant, and ends nothing before', async () => {
    const [ours, theirs] = [await hold('twin'), await hold('twin', OTHER_ISSUER)];
    const run = await sessions('end', '--user', 'twin');
    expect(run.code).toBe(2);
    expect(run.output).toContain(`--issuer ${OTHER_ISSUER}`);
    expect(run.output).toContain('--issuer https://id.example.com');
    for (const held of [ours, theirs]) expect(await statuses(held)).toEqual([200, 200]);

    expect((await sessions('end', '--user', 'twin', '--issuer', OTHER_ISSUER)).code).toBe(0);
    await refused(theirs);
    expect(await statuses(ours)).toEqual([200, 200]);
    // The user of the audit trail is one user alone.
    expect((await sessions('end', '--user', ours.userId)).code).toBe(0);
    await refused(ours);
  });

  it.each<[string, string[], number, string]>([
    ['nothing is named', [], 2, '--session ID, --user SUBJECT and --all'],
    ['two are named', ['--all', '--user', 'one'], 2, 'one of'],
    ['an issuer without a user', ['--all', '--issuer', OTHER_ISSUER], 2, '--issuer belongs to --user'],
    ['no session id', ['--session', "x' OR true --"], 2, 'no session id'],
    ['an unknown session', ['--session', '00000000-0000-4000-8000-000000000000'], 1, 'No such session'],
    ['an unknown user', ['--user', 'nobody'], 1, 'No session of such a user'],
    ['a user of another issuer', ['--user', 'kept', '--issuer', OTHER_ISSUER], 1, 'at this issuer'],
  ])('ends nothing where it is not clear what: %s', async (_, args, code, message) => {
    const kept = await hold('kept');
    expect(await sessions('end', ...args)).toMatchObject({code, output: expect.stringContaining(message)});
    expect(await statuses(kept)).toEqual([200, 200]);
  });

  it('says what is wrong with the database, without a stack and without its password', async () => {
    const url = new URL(stack.database.url);
    url.password = 'not-the-password';
    const wrong = await runProgram(['sessions', 'end', '--all'], {DATABASE_URL: url.href});
    expect(wrong).toMatchObject({code: 2, output: expect.stringContaining('refused user')});
    expect(wrong.output).not.toMatch(/not-the-password|\n\s+at /);
    const none = await runProgram(['sessions', 'list', '--user', 'one'], {});
    expect(none).toMatchObject({code: 2, output: expect.stringContaining('neither DATABASE_URL nor')});
    const empty = await runProgram(['sessions', 'end', '--all'], {
      DATABASE_URL: await stack.database.createDatabase(),
    });
    expect(empty).toMatchObject({code: 2, output: expect.stringContaining('fraiseql-auth db migrate')});
  });
});

describe('sessions list', () => {
  it('shows the sessions of a user that stand, for people and for programs', async () => {
    const [stands, over] = [await hold('listed'), await hold('listed')];
    await sessions('end', '--session', over.id);
    const text = await sessions('list', '--user', 'listed');
    expect(text).toMatchObject({code: 0, output: expect.stringMatching(/^SESSION +SINCE +LAST USED +ENDS/)});
    expect(text.output).toContain(stands.id);
    expect(text.output).not.toContain(over.id);
    const json = await sessions('list', '--user', 'listed', '--json');
    expect(JSON.parse(json.output)).toEqual([
      expect.objectContaining({
        id: stands.id,
        userId: stands.userId,
        issuer: 'https://id.example.com',
        expiresAt: expect.any(Number),
      }),
    ]);
    expect((await sessions('end', '--user', 'listed')).code).toBe(0);
    expect(await sessions('list', '--user', 'listed')).toMatchObject({
      code: 0,
      output: 'no session stands\n',
    });
    expect((await sessions('list', '--user', 'nobody')).code).toBe(1);
  });
});

it('sessions end --all ends those of everybody', async () => {
  const held = [await hold('first'), await hold('second', OTHER_ISSUER)];
  const run = await sessions('end', '--all');
  expect(run.code).toBe(0);
  for (const each of held) await refused(each);
  const {rows} = await stack.database.asSuperuser(
    'SELECT count(*)::int AS left FROM _system.sessions WHERE revoked_at IS NULL',
  );
  expect(rows).toEqual([{left: 0}]);
});
