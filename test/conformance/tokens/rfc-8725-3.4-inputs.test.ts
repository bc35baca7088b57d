import {describe, expect, it} from 'vitest';
import {generateKeyPairSync} from 'node:crypto';
import {holdSession} from '../../support/server/sessions.ts';
import {authServer, someone, statusOf} from '../../support/server/auth-server.ts';

const ORDER = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551';
const number = (hex: string): Buffer => Buffer.from(hex.padStart(64, '0'), 'hex');

describe('RFC 8725 3.4: an ES256 signature is taken only with numbers that a signature can have', () => {
  it.each<[string, (signature: Buffer) => Buffer]>([
    ['both are zero', () => Buffer.alloc(64)],
    ['the first is zero', (good) => Buffer.concat([Buffer.alloc(32), good.subarray(32)])],
    ['the second is zero', (good) => Buffer.concat([good.subarray(0, 32), Buffer.alloc(32)])],
    ["both are the curve's order, which is zero to it", () => Buffer.concat([number(ORDER), number(ORDER)])],
    ['it is longer', (good) => Buffer.concat([good, Buffer.alloc(1)])],
    ['it is shorter', (good) => good.subarray(0, 63)],
    ['it is empty', () => Buffer.alloc(0)],
  ])('not where %s', async (_, broken) => {
    const server = await es256();
    const {access} = await holdSession(server, {subject: someone()});
    expect(await statusOf(server, access)).toBe(200);
    const [header, claims, signature = ''] = access.split('.');
    const other = broken(Buffer.from(signature, 'base64url')).toString('base64url');
    expect(await statusOf(server, `${header}.${claims}.${other}`)).toBe(401);
  });
});

const KEY = generateKeyPairSync('ec', {namedCurve: 'P-256'}).privateKey.export({
  type: 'pkcs8',
  format: 'pem',
});
const es256 = (): ReturnType<typeof authServer> =>
  authServer({JWT_SIGNING_KEY: String(KEY), JWT_ALGORITHM: 'ES256'});
