// What has converged is left alone, also while other resources beside it fail and heal.
import {afterAll, beforeAll, expect, onTestFailed, test} from 'vitest';
import {apply} from '../support/kubectl.ts';
import {writesOf} from './support/audit.ts';
import {dumpOnFailure} from './support/diagnostics.ts';
import {figure} from './support/figures.ts';
import {databaseUrl, secrets, startPostgres, startProvider, startS3} from './support/fixtures.ts';
import {NAME, production} from './support/instance.ts';
import {
  createNamespace,
  ensureOperator,
  OPERATOR,
  OPERATOR_NAMESPACE,
  removeNamespaces,
} from './support/operator.ts';
import {isReady, ResourceWatch} from './support/watch.ts';

const namespace = 'e2e-silence';
const watch = new ResourceWatch();

beforeAll(async () => {
  await Promise.all([ensureOperator(), createNamespace(namespace)]);
  await Promise.all([
    startPostgres(namespace),
    startProvider(namespace, [namespace]),
    startS3(namespace),
    secrets(namespace, databaseUrl(namespace, 'fraiseql')),
  ]);
  watch.start();
});

afterAll(async () => {
  watch.close();
  await removeNamespaces(namespace);
});

test('when converged the operator writes nothing but its lease, for 60 s', async () => {
  onTestFailed(dumpOnFailure('silence', namespace));
  // Half a day away, so that no backup falls into the minute.
  await apply([production(namespace, `0 ${(new Date().getUTCHours() + 12) % 24} * * *`)]);
  await watch.until(namespace, NAME, 'ready', isReady, 240_000);
  const since = Date.now() + 5000;
  const until = since + 60_000;
  await new Promise((resolve) => setTimeout(resolve, until - Date.now() + 1000));
  const writes = await writesOf(OPERATOR_NAMESPACE, OPERATOR, since, until);
  const lease = writes.filter(({resource}) => resource === 'leases');
  // Left out is only what belongs to the resources of other tests.
  const here = writes.filter(
    (write) =>
      write.resource !== 'leases' && (write.namespace === namespace || !write.namespace.startsWith('e2e-')),
  );
  await figure(
    "the operator's writes in 60 s when converged, without its lease and other tests' resources",
    here.length,
    'writes',
  );
  expect(lease.length, 'the lease is renewed, so the log does hold what the operator writes').toBeGreaterThan(
    5,
  );
  expect(here).toEqual([]);
});
