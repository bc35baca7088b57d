import {createServer as createTcpServer, connect, type Socket} from 'node:net';

/**
 * A TCP proxy in front of a real server that counts connections and breaks them: the faults of a network, which a server
 * on loopback does not have.
 */
export interface FaultProxy {
  readonly port: number;
  /** A URL of the server with the proxy's port in place of the server's own. */
  through(url: string): string;
  /** Connections taken since the start, and those that are open now. */
  readonly taken: number;
  readonly open: number;
  /** Resets all connections (RST). */
  reset(): void;
  /** Bytes from the server are swallowed: connections stay open and say nothing. */
  mute(muted: boolean): void;
  /** From now on nothing comes through either way, not even that a side closes: the network has lost them. */
  silence(): void;
  /** New connections are closed at once. */
  refuse(refused: boolean): void;
  /** Bytes from the server come so many milliseconds later. */
  slow(ms: number): void;
  /** New connections go to that port. */
  retarget(port: number): void;
  close(): Promise<void>;
}

export async function startFaultProxy(target: number): Promise<FaultProxy> {
  const pairs = new Set<{client: Socket; upstream: Socket}>();
  let [port, taken, muted, silent, refused, latency] = [target, 0, false, false, false, 0];
  const server = createTcpServer({noDelay: true, allowHalfOpen: true}, (client) => {
    if (refused) {
      client.resetAndDestroy();
      return;
    }
    taken++;
    const upstream = connect({port, host: '127.0.0.1', noDelay: true});
    const pair = {client, upstream};
    pairs.add(pair);
    const end = (): void => {
      if (silent) return;
      pairs.delete(pair);
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) socket.on('error', end).on('close', end);
    client.on('end', () => {
      if (!silent) client.end();
    });
    client.on('data', (chunk: Buffer) => {
      if (!silent) upstream.write(chunk);
    });
    upstream.on('data', (chunk: Buffer) => {
      if (muted || silent) return;
      if (latency === 0) client.write(chunk);
      else setTimeout(() => client.writable && client.write(chunk), latency);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  const reset = (): void => {
    for (const {client, upstream} of pairs) {
      client.resetAndDestroy();
      upstream.destroy();
    }
    pairs.clear();
  };
  return {
    port: address.port,
    through(text) {
      const url = new URL(text);
      url.port = String(address.port);
      return url.href;
    },
    get taken() {
      return taken;
    },
    get open() {
      return pairs.size;
    },
    reset,
    mute(value) {
      muted = value;
    },
    silence() {
      silent = true;
    },
    refuse(value) {
      refused = value;
    },
    slow(ms) {
      latency = ms;
    },
    retarget(to) {
      port = to;
    },
    close() {
      reset();
      return new Promise((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}
