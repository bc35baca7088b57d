// Who wrote what, from the API server's own audit log.
import {readFile} from 'node:fs/promises';

export interface Write {
  readonly user: string;
  readonly verb: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly at: number;
}

interface AuditEvent {
  readonly user?: {readonly username?: string};
  readonly verb: string;
  readonly requestReceivedTimestamp: string;
  readonly objectRef?: {
    readonly resource?: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
}

const WRITES = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);

/**
 * The writes of a ServiceAccount from `sinceMs` (epoch) to `untilMs`, in order. Throws where the cluster keeps no
 * audit log, for then nothing can be said.
 */
export async function writesOf(
  namespace: string,
  serviceAccount: string,
  sinceMs: number,
  untilMs: number,
): Promise<readonly Write[]> {
  const path = process.env['FRAISEQL_AUDIT_LOG'];
  if (path === undefined) {
    throw new Error(
      'FRAISEQL_AUDIT_LOG is not set: writes are counted from the audit log of the test cluster',
    );
  }
  const user = `system:serviceaccount:${namespace}:${serviceAccount}`;
  const writes = new Map<string, Write>();
  for (const line of (await readFile(path, 'utf8')).split('\n')) {
    if (!line.includes(user)) continue;
    const event = JSON.parse(line) as AuditEvent & {auditID: string};
    const at = Date.parse(event.requestReceivedTimestamp);
    if (event.user?.username !== user || !WRITES.has(event.verb) || at < sinceMs || at > untilMs) continue;
    const {resource = '', subresource, namespace: where = '', name = ''} = event.objectRef ?? {};
    // One request may be logged at several stages.
    writes.set(event.auditID, {
      user,
      verb: event.verb,
      resource: subresource === undefined ? resource : `${resource}/${subresource}`,
      namespace: where,
      name,
      at,
    });
  }
  return [...writes.values()];
}
