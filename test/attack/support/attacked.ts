// The server as an attacker meets it: on a socket of its own, byte by byte.
import type {RunningServer} from '../../../src/server/server.ts';
import {Target, type Answer} from '../../../src/attack/target.ts';

export const targetOf = (server: RunningServer): Target => new Target(new URL(server.url));

/** A request of these lines, with the Host that is due unless there is one among them. */
export function head(target: Target, ...lines: string[]): string {
  const [request = '', ...headers] = lines;
  const named = headers.some((line) => /^host\s*:/i.test(line));
  return [request, ...(named ? [] : [`Host: ${target.url.host}`]), ...headers, '', ''].join('\r\n');
}

/** What our own errors look like; a framework's, or a stack, does not. */
export function isOurs({body, headers}: Answer): boolean {
  return (
    headers['content-type'] === 'application/json; charset=utf-8' &&
    /^\{(?:"error":"\w+",)?"errors":\[\{"message":"[^"]*","extensions":\{"code":"\w+","request_id":"[\w.-]+"\}\}\]\}$/.test(
      body,
    )
  );
}
