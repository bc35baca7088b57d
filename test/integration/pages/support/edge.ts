// The edge in front of the servers: https with a certificate of its own, sending each host on to where it is served, so
// that a real browser keeps `__Host-` cookies.
import {execFile} from 'node:child_process';
import {mkdtemp, readFile, rm} from 'node:fs/promises';
import {request} from 'node:http';
import {createServer, type Server} from 'node:https';
import type {AddressInfo} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {promisify} from 'node:util';

export interface Edge {
  readonly port: number;
  close(): Promise<void>;
}

/** `upstream` gives the base URL that serves a host; undefined: an empty page. */
export async function startEdge(upstream: (host: string) => string | undefined): Promise<Edge> {
  const directory = await mkdtemp(join(tmpdir(), 'edge-'));
  const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
  const names = 'subjectAltName=DNS:*.example.com,DNS:*.example.net';
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const files = ['-keyout', key, '-out', cert, '-days', '1', '-subj', '/CN=edge', '-addext', names];
  await promisify(execFile)('openssl', ['req', '-x509', ...curve, ...files]);
  const server: Server = createServer(
    {key: await readFile(key), cert: await readFile(cert)},
    (incoming, outgoing) => {
      const base = upstream(incoming.headers.host ?? '');
      if (base === undefined) {
        outgoing.writeHead(200, {'content-type': 'text/html'}).end('<!doctype html><title>app</title>');
        return;
      }
      const onward = request(
        new URL(incoming.url ?? '/', base),
        {method: incoming.method, headers: incoming.headers},
        (answer) => {
          outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(outgoing);
        },
      );
      onward.on('error', () => outgoing.writeHead(502).end());
      incoming.pipe(onward);
    },
  );
  await rm(directory, {recursive: true});
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
