import {expect, test} from 'vitest';
import {serveRoutes} from '../../../src/operator/http.ts';
import {freePort} from '../../support/ports.ts';

test('a page that fails answers 500 without the reason, which is told to whoever serves it', async () => {
  const failure = new Error('a metric cannot be collected');
  const told: unknown[] = [];
  const port = await freePort();
  const server = await serveRoutes(
    port,
    {'/metrics': {contentType: 'text/plain', body: () => Promise.reject(failure)}},
    (path, error) => told.push([path, error]),
  );
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
  expect([answer.status, await answer.text()]).toEqual([500, 'failed\n']);
  expect(told).toEqual([['/metrics', failure]]);
  await server.close();
});
