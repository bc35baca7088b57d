import {checkOf, type Check} from './checks.ts';
import {recordIn} from '../support/record.ts';

/** What the logs say of one request: the lines of the server, and those of the audit trail. */
export interface Story {
  readonly events: readonly Readonly<Record<string, unknown>>[];
}

/** Collects the lines of one request out of a log. Lines that are no JSON object are passed over. */
export async function collect(lines: AsyncIterable<string>, requestId: string): Promise<Story> {
  const events: Readonly<Record<string, unknown>>[] = [];
  for await (const line of lines) {
    if (!line.includes(requestId)) continue;
    const entry = recordIn(line.slice(Math.max(0, line.indexOf('{'))));
    if (entry?.['requestId'] === requestId) events.push(entry);
  }
  return {events};
}

/**
 * The story for a person: what was asked, what was answered, which check failed and what to do. Empty where the log has
 * nothing of it. Tells only fields that the server writes for this, none of which holds a secret.
 */
export function tell({events}: Story): string[] {
  const lines: string[] = [];
  let check: Check | undefined;
  for (const event of events) {
    const time = text(event['time']);
    if (event['component'] === 'audit') {
      const about = ['provider', 'user', 'session', 'address']
        .filter((name) => event[name] !== undefined && event[name] !== 'unknown')
        .map((name) => `${name} ${text(event[name])}`);
      const why = event['reason'] === undefined ? '' : ` (${text(event['reason'])})`;
      lines.push(
        `${time}  ${text(event['event'])}: ${text(event['outcome'])}${why}`,
        `    ${about.join(', ')}`,
      );
      if (event['outcome'] === 'failure') check ??= checkOf(text(event['reason']), '');
    } else {
      const {method, route, status, code, reason, cause} = event;
      lines.push(`${time}  ${text(method)} ${text(route)} was answered with ${text(status)} ${text(code)}`);
      if (reason !== undefined) lines.push(`    reason: ${text(reason)}`);
      if (cause !== undefined) lines.push(`    cause: ${text(cause)}`);
      check = checkOf(text(code), text(reason));
    }
  }
  if (events.length === 0) return [];
  if (check === undefined) return [...lines, 'Nothing was refused.'];
  return [...lines, `The check that failed: ${check.name}`, `What to do: ${check.remedy}`];
}

/** As a terminal may show it: a log may hold what a stranger sent. */
function text(value: unknown): string {
  const plain = typeof value === 'string' || typeof value === 'number' ? String(value) : '-';
  return plain.replaceAll(/\p{Cc}/gu, '?').slice(0, 500);
}
