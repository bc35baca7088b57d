// What the configuration's tests share: the guide's environment, keys of every kind, and files of their own.
import {generateKeyPairSync} from 'node:crypto';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {PROVIDER_TYPES} from '../../../../src/server/providers/catalogue.ts';
import type {Configuration} from '../../../../src/support/configuration/configuration.ts';
import {loadConfiguration} from '../../../../src/support/configuration/load.ts';
import {ConfigurationError} from '../../../../src/support/configuration/problems.ts';
import {selfSigned} from '../../../support/certificate.ts';

export const directory = mkdtempSync(join(tmpdir(), 'configuration-'));
// Files that share this module share the directory, to the end of their process.
process.once('exit', () => rmSync(directory, {recursive: true, force: true}));

export function file(name: string, content: string): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

const pem = (pair: {
  privateKey: {export(options: {type: 'pkcs8'; format: 'pem'}): string | Buffer};
}): string => String(pair.privateKey.export({type: 'pkcs8', format: 'pem'}));
export const RSA = pem(generateKeyPairSync('rsa', {modulusLength: 2048}));
export const SHORT_RSA = pem(generateKeyPairSync('rsa', {modulusLength: 1024}));
export const P256 = pem(generateKeyPairSync('ec', {namedCurve: 'prime256v1'}));
export const P384 = pem(generateKeyPairSync('ec', {namedCurve: 'secp384r1'}));
export const ED25519 = pem(generateKeyPairSync('ed25519'));

const {certPath, keyPath} = selfSigned(directory, 'api.yourdomain.com');

/** The guide's production environment, its certificate where a test may write, and our signing key. */
export const GUIDE: NodeJS.ProcessEnv = {
  OAUTH_PROVIDER: 'google',
  GOOGLE_CLIENT_ID: 'prod-client-id',
  GOOGLE_CLIENT_SECRET: 'prod-secret',
  OAUTH_REDIRECT_URI: 'https://api.yourdomain.com/auth/callback',
  JWT_ISSUER: 'https://accounts.google.com',
  JWT_ALGORITHM: 'RS256',
  DATABASE_URL: 'postgres://user:strong_password@prod-db.internal:5432/FraiseQL',
  DATABASE_POOL_SIZE: '20',
  DATABASE_MAX_LIFETIME: '1800',
  RUST_LOG: 'info,fraiseql_server::auth=info',
  SESSION_TIMEOUT_MINUTES: '60',
  PORT: '8000',
  SERVER_HOST: '0.0.0.0',
  TLS_CERT_PATH: certPath,
  TLS_KEY_PATH: keyPath,
  JWT_SIGNING_KEY: RSA,
};

export function load(env: NodeJS.ProcessEnv, development = false): Configuration {
  return loadConfiguration({
    env,
    development,
    providerTypes: PROVIDER_TYPES,
    databaseUrlProblem: (url) => (url.startsWith('postgres://') ? undefined : 'must begin with postgres://'),
  }).configuration;
}

export function problemsOf(env: NodeJS.ProcessEnv, development = false): readonly string[] {
  try {
    load(env, development);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
  return [];
}

export const without = (...names: string[]): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(GUIDE).filter(([name]) => !names.includes(name)));
