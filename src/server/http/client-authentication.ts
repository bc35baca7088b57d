import {createHash, timingSafeEqual} from 'node:crypto';
import type {FastifyRequest} from 'fastify';
import type {IntrospectionClient} from '../../support/configuration/configuration.ts';
import {AuthError} from '../../support/errors.ts';
import type {Services} from '../services.ts';

/** The fields of a form by which a client may say who it is (RFC 6749, section 2.3.1). */
export interface ClientFields {
  readonly client_id?: string;
  readonly client_secret?: string;
}

/**
 * Who sends this request, by HTTP Basic or by form fields; undefined where it does not say. Throws `invalid_request`
 * where it says it twice (RFC 6749, section 2.3) and a 401 `invalid_client` where what it says is not so, or no client
 * is configured. An address that was wrong too often has to wait (section 2.3.1).
 */
export function authenticateClient(
  services: Pick<Services, 'failures' | 'configuration'>,
  request: FastifyRequest<{Body: ClientFields}>,
): Promise<'client' | undefined> {
  return authenticate(services, request, request.body);
}

/** The same of a request whose body has not been read: who says who it is by form fields has not said it yet. */
export async function isClientByHeader(
  services: Pick<Services, 'failures' | 'configuration'>,
  request: FastifyRequest,
): Promise<boolean> {
  return (await authenticate(services, request, {})) !== undefined;
}

async function authenticate(
  {failures, configuration}: Pick<Services, 'failures' | 'configuration'>,
  request: FastifyRequest,
  fields: ClientFields,
): Promise<'client' | undefined> {
  const {authorization} = request.headers;
  if (authorization === undefined && fields.client_secret === undefined) return undefined;
  const check = (): 'client' => checkClient(authorization, fields, configuration.introspection);
  return failures === undefined ? check() : failures.watch('client', request, check);
}

function checkClient(
  authorization: string | undefined,
  fields: ClientFields,
  client: IntrospectionClient | undefined,
): 'client' {
  const basic = authorization === undefined ? undefined : readBasic(authorization);
  const {client_id: id, client_secret: secret} = fields;
  if (authorization !== undefined && secret !== undefined)
    throw new AuthError('invalid_request', 'two ways of client authentication at once', {
      message: 'Authenticate by the Authorization header or by client_secret, not by both',
      oauth: 'invalid_request',
    });
  const given = authorization === undefined ? {id: id ?? '', secret: secret ?? ''} : basic;
  if (!given || !client || !same(given, client)) throw invalidClient('unknown client id or wrong secret');
  return 'client';
}

/** The 401 of RFC 6749, section 5.2. */
export function invalidClient(reason: string): AuthError {
  return new AuthError('invalid_request', reason, {
    status: 401,
    message: 'Client authentication failed',
    oauth: 'invalid_client',
    headers: {'www-authenticate': 'Basic realm="fraiseql", charset="UTF-8"'},
  });
}

/** Takes the same time whichever part is wrong, and however much of it is right. */
function same(given: {id: string; secret: string}, client: IntrospectionClient): boolean {
  const id = equal(given.id, client.clientId);
  const secret = equal(given.secret, client.clientSecret);
  return id && secret;
}

function equal(one: string, other: string): boolean {
  return timingSafeEqual(digest(one), digest(other));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Id and secret, each form-encoded before they were joined (RFC 6749, section 2.3.1). */
function readBasic(header: string): {id: string; secret: string} | undefined {
  const encoded = /^Basic +([A-Za-z0-9+/]+=*)$/i.exec(header)?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString();
  const colon = text.indexOf(':');
  if (colon < 0) return undefined;
  try {
    return {id: decodeForm(text.slice(0, colon)), secret: decodeForm(text.slice(colon + 1))};
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

const decodeForm = (text: string): string => decodeURIComponent(text.replaceAll('+', ' '));
