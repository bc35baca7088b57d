import {developmentKey} from '../../../src/support/configuration/signing-keys.ts';

/** What a server under measurement is started with, but for its port; a new key each time. */
export function environment(databaseUrl: string, algorithm: 'RS256' | 'ES256'): Record<string, string> {
  const key = developmentKey(algorithm).privateKey;
  if (!key) throw new Error('a development key signs');
  return {
    DATABASE_URL: databaseUrl,
    DATABASE_POOL_SIZE: '20',
    JWT_ALGORITHM: algorithm,
    JWT_SIGNING_KEY: key.export({type: 'pkcs8', format: 'pem'}).toString(),
    // One client makes all of the requests.
    RATE_LIMITS: 'Off',
    OAUTH_PROVIDER: 'oidc',
    OIDC_ISSUER_URL: 'https://id.invalid',
    OIDC_CLIENT_ID: 'bench',
    OIDC_CLIENT_SECRET: 'a secret for the bench',
    OAUTH_REDIRECT_URI: 'http://localhost:8000/auth/callback',
    SERVER_HOST: '127.0.0.1',
  };
}
