import {TLSSocket} from 'node:tls';
import {Agent, buildConnector, Client, request, type Dispatcher} from 'undici';
import {fingerprintOf} from '../../support/certificate.ts';
import type {ShownCertificate} from '../observed.ts';
import type {Target} from './target.ts';

const DEADLINE_MS = 2000;
const MAX_BYTES = 1_048_576;

export interface Reply {
  readonly status: number;
  readonly text: string;
  readonly cacheControl: string;
}

/** A pod as it is asked some questions in a row. */
export interface PodConnection {
  /** Rejects where there is no answer in time, or somebody else answers than the pod. */
  get(path: string): Promise<Reply>;
  /** The certificate by which it was known. */
  readonly shown: ShownCertificate | undefined;
}

/** Connections to pods: over http from one small pool; over https one for each round of questions, to see its certificate. */
export class PodConnections {
  readonly #port: number;
  readonly #agent = new Agent({
    connect: {timeout: DEADLINE_MS},
    keepAliveTimeout: 15_000,
    connections: 2,
    pipelining: 1,
    maxResponseSize: MAX_BYTES,
  });

  constructor(port: number) {
    this.#port = port;
  }

  /** Asks a pod; the connection is gone afterwards. */
  async ask<T>(target: Target, questions: (pod: PodConnection) => Promise<T>): Promise<T> {
    const {address, certificates} = target;
    const host = `${address.includes(':') ? `[${address}]` : address}:${this.#port}`;
    if (certificates === undefined) {
      const get = (path: string): Promise<Reply> => this.get(`http://${host}${path}`);
      return questions({get, shown: undefined});
    }
    const origin = `https://${host}`;
    let shown: ShownCertificate | undefined;
    const client = new Client(origin, {
      connect: knownBy(certificates, (certificate) => (shown = certificate)),
      maxResponseSize: MAX_BYTES,
    });
    try {
      return await questions({
        get: (path) => getFrom(client, origin + path),
        get shown() {
          return shown;
        },
      });
    } finally {
      await client.destroy();
    }
  }

  /** Any URL; redirects are not followed. */
  get(url: string): Promise<Reply> {
    return getFrom(this.#agent, url);
  }

  close(): Promise<void> {
    return this.#agent.close();
  }
}

async function getFrom(dispatcher: Dispatcher, url: string): Promise<Reply> {
  const {body, headers, statusCode} = await request(url, {
    dispatcher,
    signal: AbortSignal.timeout(DEADLINE_MS),
    headersTimeout: DEADLINE_MS,
    bodyTimeout: DEADLINE_MS,
  });
  return {text: await body.text(), cacheControl: String(headers['cache-control']), status: statusCode};
}

/**
 * Connects to nobody but the owner of one of these certificates. Neither its names nor its issuer nor its time are looked
 * at: a pod is asked by its address, which no certificate names, and one whose certificate has expired has to be heard.
 */
function knownBy(
  fingerprints: readonly string[],
  onShown: (certificate: ShownCertificate) => void,
): buildConnector.connector {
  // A session that is taken up again would show the certificate of before.
  const connect = buildConnector({
    timeout: DEADLINE_MS,
    rejectUnauthorized: false,
    maxCachedSessions: 0,
  });
  return (options, callback) => {
    connect(options, (...[error, socket]) => {
      if (error !== null) return callback(error, null);
      const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
      const fingerprint = certificate && fingerprintOf(certificate);
      if (fingerprint === undefined || !fingerprints.includes(fingerprint)) {
        socket.destroy();
        const which = fingerprint === undefined ? 'no certificate' : `certificate ${fingerprint}`;
        return callback(new Error(`${options.hostname} shows ${which}, which is not the Secret's`), null);
      }
      onShown({fingerprint, notAfter: Date.parse(certificate?.validTo ?? '')});
      return callback(null, socket);
    });
  };
}
