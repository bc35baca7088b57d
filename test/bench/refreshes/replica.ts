import {startFaultProxy, type FaultProxy} from '../../support/fault-proxy.ts';
import {startProgram} from '../auth/program.ts';

/** A replica of the server, a process of its own, with a network that can break on both of its sides. */
export interface Replica {
  /** Where clients reach it. */
  readonly url: string;
  /** The network between the clients and it. */
  readonly clients: FaultProxy;
  /** The network between it and the database. */
  readonly database: FaultProxy;
  /** Kills it and starts it again; resolves when it serves. */
  killAndRestart(): Promise<void>;
  close(): Promise<void>;
}

/** Starts `main serve` with this environment, its DATABASE_URL through the replica's own network. */
export async function startReplica(main: string, env: Readonly<Record<string, string>>): Promise<Replica> {
  const url = new URL(env['DATABASE_URL'] ?? '');
  const database = await startFaultProxy(Number(url.port));
  url.port = String(database.port);
  const start = (port?: number) =>
    startProgram(
      [process.execPath, main, 'serve'],
      {...env, DATABASE_URL: url.href},
      '/health/live',
      process.env['REPLICA_LOG'] ?? '/dev/null',
      port,
    );
  let program = await start();
  const clients = await startFaultProxy(program.port);
  return {
    url: `http://127.0.0.1:${clients.port}`,
    clients,
    database,
    async killAndRestart() {
      await program.kill();
      program = await start(program.port);
    },
    async close() {
      await program.stop();
      await Promise.all([clients.close(), database.close()]);
    },
  };
}
