import {createSecureContext} from 'node:tls';
import {Agent, ProxyAgent, type buildConnector, type Dispatcher} from 'undici';
import type {ClusterAccess} from './access.ts';

/** Calls at once; more wait for a connection. */
const MAX_CONNECTIONS = 40;

/** A watch holds its connection for minutes: in one bounded pool many of them would leave none for calls. */
export interface Pools {
  readonly calls: Dispatcher;
  readonly watches: Dispatcher;
}

/** Connections are made when they are needed, and kept for a while. */
export function createPools(access: ClusterAccess): Pools {
  // Certificates are read once: each connection would hold a copy of its own.
  const tls = {...access.tls, secureContext: createSecureContext(access.tls)} as buildConnector.BuildOptions;
  return {calls: createAgent(access, tls, MAX_CONNECTIONS), watches: createAgent(access, tls, null)};
}

function createAgent(
  access: ClusterAccess,
  tls: buildConnector.BuildOptions,
  connections: number | null,
): Dispatcher {
  const options = {
    connections,
    keepAliveTimeout: 30_000,
    keepAliveMaxTimeout: 60_000,
    // undici's HTTP/2 (8.12) lets a reset connection end the process: ECONNRESET on a socket without a listener.
    allowH2: false,
  };
  return access.proxyUrl === undefined
    ? new Agent({
        ...options,
        connect: {...tls, timeout: 10_000, keepAlive: true, keepAliveInitialDelay: 15_000},
      })
    : new ProxyAgent({...options, uri: access.proxyUrl, requestTls: tls});
}

/** Lets what is under way finish. Watches end by themselves within minutes. */
export function retire(pools: Pools): void {
  for (const pool of [pools.calls, pools.watches]) pool.close().catch(() => pool.destroy());
}
