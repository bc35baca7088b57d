import type {RunningServer} from '../../../src/server/server.ts';

/** All metrics of a server, as text. */
export async function metricsOf({url}: Pick<RunningServer, 'url'>): Promise<string> {
  return (await fetch(`${url}/metrics`)).text();
}
