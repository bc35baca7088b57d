import type {IncomingMessage} from 'node:http';
import type {FastifyInstance, FastifyRequest} from 'fastify';
import {AuthError} from '../../support/errors.ts';
import {isVerify} from './routes/verify.ts';

/** Of these a request has one, and whoever reads it takes another of two for it. */
const SINGLE = ['host', 'authorization', 'content-type'];
const LENGTHS = new Set(SINGLE.map((name) => name.length));

/** A host and a port; RFC 9112, section 3.2, demands a 400 for anything else. */
const HOST = /^[\w.-]*(?::\d*)?$|^\[[0-9A-Fa-f:.]+\](?::\d*)?$/;

/**
 * For every request, first of all: what a proxy in front of this server may have read otherwise than we do is refused, so
 * that no rule of the proxy can be got round by it. Paths have one spelling; none of ours needs an escape.
 */
export function refuseAmbiguous(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    const problem = headProblem(request.raw);
    if (problem !== undefined) {
      void reply.header('connection', 'close');
      return done(new AuthError('invalid_request', problem, {message: 'The request cannot be read'}));
    }
    if (isAlias(request)) return done(new AuthError('not_found', 'another spelling of a path'));
    done();
  });
}

/** A segment of dots, in any spelling that somebody reads so. */
const CLIMBS = /[\\#]|[/;](?:\.|%2e){1,2}(?:[/;]|%2f|%5c|$)/i;

function headProblem({rawHeaders, headers, url = '', httpVersion}: IncomingMessage): string | undefined {
  const {host} = headers;
  let seen = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    if (!LENGTHS.has(name.length)) continue;
    const position = SINGLE.indexOf(name.toLowerCase());
    if (position < 0) continue;
    if (seen & (1 << position)) return `two ${name} headers`;
    seen |= 1 << position;
  }
  if (host === undefined) {
    if (httpVersion !== '1.0') return 'no Host';
  } else if (!HOST.test(host)) return 'a Host that is none';
  if (httpVersion === '1.0' && headers['transfer-encoding'] !== undefined)
    return 'Transfer-Encoding in HTTP/1.0 (RFC 9112, section 6.1)';
  // The absolute form (RFC 9112, section 3.2.2) must be taken; one that names another host than Host is of no use.
  const authority = url.startsWith('/') ? undefined : /^https?:\/\/([^/?#]*)/i.exec(url)?.[1];
  return authority === undefined || authority.toLowerCase() === host?.toLowerCase()
    ? undefined
    : "an address of another host than Host's";
}

function isAlias(request: FastifyRequest): boolean {
  const [path = ''] = request.url.split('?', 1);
  // There it goes on with the path that is asked about; what might lead out of it again does not.
  if (isVerify(request)) return CLIMBS.test(path);
  // No path of ours ends in a slash: the router would take what is after one for a parameter, with nothing in it.
  return /[%#\\]|\/$/.test(path) && path !== request.routeOptions.url;
}
