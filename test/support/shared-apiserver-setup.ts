// One API server for the test files that do it no harm: each takes five seconds of a processor to start, and one takes all
// the namespaces that they like. Vitest runs this in its own process; the server starts when the first file asks.
import {mkdtemp, rm} from 'node:fs/promises';
import {createServer} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {TestProject} from 'vitest/node';
import {startApiServer, type TestApiServer} from './apiserver.ts';
import {defineResource} from './fraiseqlauths.ts';
import type {SharedApiServerAnswer} from './shared-apiserver.ts';

/** Tokens and their users, for who tests how a token is presented. */
const TOKENS = {'token-a': 'alice', 'token-b': 'bob'};

/** Listens for those who ask where it is; the answer of this function ends it. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), 'fraiseql-shared-'));
  const socket = join(directory, 'apiserver.sock');
  let starting: Promise<TestApiServer> | undefined;
  const told = async (): Promise<SharedApiServerAnswer> => {
    try {
      const {directory: where, port, kubeconfigPath} = await (starting ??= start());
      return {address: {directory: where, port, kubeconfigPath}};
    } catch (error) {
      return {error: error instanceof Error ? error.message : String(error)};
    }
  };
  const asked = createServer((connection) => {
    connection.on('error', () => {});
    void told().then((answer) => connection.end(JSON.stringify(answer)));
  });
  await new Promise<void>((resolve, reject) => {
    asked.once('error', reject);
    asked.listen(socket, resolve);
  });
  project.provide('apiserver', socket);
  return async () => {
    asked.close();
    await (await starting?.catch(() => undefined))?.stop();
    await rm(directory, {recursive: true, force: true});
  };
}

async function start(): Promise<TestApiServer> {
  const server = await startApiServer({audit: true, tokens: TOKENS});
  try {
    await defineResource(server.admin);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}
