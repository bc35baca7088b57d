import type {TestApiServer} from '../../support/apiserver.ts';
import {AGENT} from './harness.ts';

/** What operators created and deleted, by namespace and by resource; without events. */
export async function createsAndDeletes(
  server: TestApiServer,
  from: Date,
): Promise<Map<string, Record<string, number>>> {
  const counts = new Map<string, Record<string, number>>();
  for (const {
    verb,
    userAgent,
    objectRef,
    responseStatus,
    requestReceivedTimestamp,
  } of await server.writes()) {
    if (userAgent?.startsWith(AGENT) !== true || new Date(requestReceivedTimestamp) < from) continue;
    const {resource = '', namespace = ''} = objectRef ?? {};
    // An apply creates as well.
    const done =
      responseStatus?.code === 201 ? 'create' : verb === 'delete' && responseStatus?.code === 200 ? verb : '';
    if (done === '' || resource === 'events') continue;
    const its = counts.get(namespace) ?? {};
    counts.set(namespace, {...its, [`${done} ${resource}`]: (its[`${done} ${resource}`] ?? 0) + 1});
  }
  return counts;
}
