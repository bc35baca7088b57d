import {spawn, type ChildProcess} from 'node:child_process';
import {existsSync, readFileSync} from 'node:fs';
import {readdir} from 'node:fs/promises';
import {delimiter, join} from 'node:path';
import {setTimeout as delay} from 'node:timers/promises';
import {Client} from 'pg';

/** The account that PostgreSQL's programs run as, and where. */
export interface Identity {
  readonly uid?: number;
  readonly gid?: number;
  readonly cwd: string;
}

interface ServerOptions {
  readonly bin: string;
  readonly data: string;
  /** Where its socket stands. */
  readonly sockets: string;
  readonly port: number;
  /** `name=value`, beside what the data directory says. */
  readonly settings: readonly string[];
  readonly identity: Identity;
  /** A URL to see by whether it answers. */
  readonly url: string;
}

/** One PostgreSQL server over a data directory. */
export interface PostgresProcess {
  /** Starts it, unless it runs, and waits until it answers. */
  start(): Promise<void>;
  /** Ends it at once, as a crash does: clients see their connections break, then refused. */
  stop(): Promise<void>;
  /** Kills it without waiting. */
  kill(): void;
}

export function postgresProcess(options: ServerOptions): PostgresProcess {
  let server: ChildProcess | undefined;
  let log = '';
  return {
    async start() {
      if (server) return;
      const {bin, data, port, sockets, settings, identity} = options;
      const child = spawn(
        join(bin, 'postgres'),
        [
          '-D',
          data,
          '-p',
          String(port),
          '-h',
          '127.0.0.1',
          '-k',
          sockets,
          ...settings.flatMap((s) => ['-c', s]),
        ],
        {...identity, stdio: ['ignore', 'ignore', 'pipe']},
      );
      server = child;
      child.stderr.on('data', (chunk: Buffer) => {
        log = (log + chunk.toString()).slice(-20_000);
      });
      child.once('exit', () => {
        if (server === child) server = undefined;
      });
      await untilReady(
        () => server === child,
        options.url,
        () => log,
      );
    },
    async stop() {
      const child = server;
      if (!child) return;
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGQUIT');
      await gone;
      server = undefined;
    },
    kill() {
      server?.kill('SIGKILL');
    },
  };
}

async function untilReady(alive: () => boolean, url: string, log: () => string): Promise<void> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    if (!alive()) throw new Error(`PostgreSQL ended while it started:\n${log()}`);
    const client = new Client({connectionString: url, connectionTimeoutMillis: 2_000});
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      if (Date.now() > deadline) throw new Error(`PostgreSQL did not come up:\n${log()}`, {cause: error});
    }
    await delay(20);
  }
}

/** The newest of Debian's, or what PATH has. */
export async function findBinaries(): Promise<string> {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? await readdir(debian) : [];
  const candidates = [
    ...(process.env['POSTGRES_BIN'] ? [process.env['POSTGRES_BIN']] : []),
    ...versions.sort((a, b) => Number(b) - Number(a)).map((version) => join(debian, version, 'bin')),
    ...(process.env['PATH'] ?? '').split(delimiter),
  ];
  const found = candidates.find((directory) => existsSync(join(directory, 'initdb')));
  if (found) return found;
  throw new Error(
    'There is no PostgreSQL (14 or later) to start a server of: no initdb in /usr/lib/postgresql/*/bin or PATH. On ' +
      'Debian: apt-get install --no-install-recommends postgresql. Elsewhere set POSTGRES_BIN to the directory of its programs.',
  );
}

/** PostgreSQL refuses to run as root: then it runs as postgres, or as nobody. */
export function unprivilegedAccount(): {uid: number; gid: number} | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const entry =
    accounts.find(([name]) => name === 'postgres') ?? accounts.find(([name]) => name === 'nobody');
  if (!entry)
    throw new Error(
      'PostgreSQL cannot run as root, and there is no account postgres or nobody to run it as.',
    );
  return {uid: Number(entry[2]), gid: Number(entry[3])};
}

export function run(command: string, args: string[], options: Identity): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {...options, stdio: ['ignore', 'pipe', 'pipe']});
    let output = '';
    const collect = (chunk: Buffer): void => {
      output += chunk.toString();
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${command} ended with ${code}:\n${output}`));
    });
  });
}
