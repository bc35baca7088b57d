import {createServer, type Server} from 'node:http';

/** What a path answers; a string is a failure's reason. */
type Check = () => string | undefined;

interface Page {
  readonly contentType: string;
  readonly body: () => Promise<string> | string;
}

/** An answer for each path: a check (200 "ok", or 503 and why) or a page. */
export type Routes = Readonly<Record<string, Check | Page>>;

/**
 * Serves routes on a port until `close`. Port 0 serves nothing. `onError` is told why a page failed, which the answer, a
 * 500, does not say. @throws Error when the port is taken
 */
export async function serveRoutes(
  port: number,
  routes: Routes,
  onError: (path: string, error: unknown) => void,
): Promise<{port: number; close: () => Promise<void>}> {
  if (port === 0) return {port, close: () => Promise.resolve()};
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
    const answer = (status: number, text: string, contentType = 'text/plain; charset=utf-8'): void => {
      response.writeHead(status, {'content-type': contentType, 'cache-control': 'no-store'}).end(text);
    };
    if (request.method !== 'GET' && request.method !== 'HEAD') return answer(405, 'only GET\n');
    if (route === undefined) return answer(404, 'not found\n');
    if (typeof route === 'function') {
      const reason = route();
      return reason === undefined ? answer(200, 'ok\n') : answer(503, `${reason}\n`);
    }
    void Promise.resolve()
      .then(() => route.body())
      .then(
        (text) => answer(200, text, route.contentType),
        (error: unknown) => {
          onError(path, error);
          answer(500, 'failed\n');
        },
      );
    return undefined;
  });
  server.requestTimeout = 5000;
  server.headersTimeout = 5000;
  await listen(server, port);
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
}
