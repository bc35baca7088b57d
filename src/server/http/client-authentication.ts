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
  const {client_id: id, client_secret: secret} = fields;
  if (authorization !== undefined && secret !== undefined)
    throw new AuthError('invalid_request', 'two ways of client authentication at once', {
      message: 'Authenticate by the Authorization header or by client_secret, not by both',
      oauth: 'invalid_request',
    });
  const given =
    authorization === undefined ? [{id: id ?? '', secret: secret ?? ''}] : readBasic(authorization);
  if (client === undefined || !isAmong(given, client))
    throw invalidClient('unknown client id or wrong secret');
  return 'client';
}

/** The 401 of RFC 6749, section 5.2. */
export function invalidClient(reason: string): AuthError {
  return new AuthError('invalid_token', reason, {
    oauth: 'invalid_client',
    headers: {'www-authenticate': 'Basic realm="fraiseql", charset="UTF-8"'},
  });
}

interface Credentials {
  readonly id: string;
  readonly secret: string;
}

/** Takes the same time whichever part is wrong, and however much of it is right. */
function isAmong(given: readonly Credentials[], client: IntrospectionClient): boolean {
  let found = false;
  for (const {id, secret} of given) {
    const isTheirs = equal(id, client.clientId);
    if (equal(secret, client.clientSecret) && isTheirs) found = true;
  }
  return found;
}

function equal(one: string, other: string): boolean {
  return timingSafeEqual(digest(one), digest(other));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/**
 * Id and secret as they may be meant: each form-encoded before they were joined (RFC 6749, section 2.3.1), or as they are,
 * as curl and many clients send them, where a plus is a plus. None where it is no such header.
 */
function readBasic(header: string): readonly Credentials[] {
  const encoded = /^Basic +([A-Za-z0-9+/]+=*)$/i.exec(header)?.[1];
  if (encoded === undefined) return [];
  const text = Buffer.from(encoded, 'base64').toString();
  const colon = text.indexOf(':');
  if (colon < 0) return [];
  const plain = {id: text.slice(0, colon), secret: text.slice(colon + 1)};
  try {
    return [{id: decodeForm(plain.id), secret: decodeForm(plain.secret)}, plain];
  } catch (error) {
    if (error instanceof URIError) return [plain];
    throw error;
  }
}

const decodeForm = (text: string): string => decodeURIComponent(text.replaceAll('+', ' '));
