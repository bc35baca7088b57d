import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hash,
  hkdfSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto';

// Secrets that are stored only as hashes, and data sealed to them: who has a copy of the database can open nothing.

/** 32 random bytes, base64url: a refresh token, a session cookie, a state, a binding. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** Lowercase hex SHA-256, as the database holds it. */
export function hashOf(secret: string): string {
  return hash('sha256', secret, 'hex');
}

/**
 * The hash of a browser session's cookie. Another domain than a refresh token's, so that neither passes for the other.
 */
export function cookieHashOf(secret: string): string {
  return hashOf(`cookie:${secret}`);
}

const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * AES-256-GCM under a key derived (HKDF-SHA256) from `secret`, which must have at least 256 bits of entropy, and
 * `salt`. `purpose` keeps two uses of one secret apart. Layout: IV, tag, ciphertext.
 */
export function seal(plain: string, secret: string, purpose: string, salt: Buffer = NO_SALT): Buffer {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', keyFor(secret, purpose, salt), iv);
  const sealed = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), sealed]);
}

/** What was sealed; undefined where the secret, purpose or salt is another, or the bytes were changed. */
export function unseal(
  sealed: Buffer,
  secret: string,
  purpose: string,
  salt: Buffer = NO_SALT,
): string | undefined {
  if (sealed.length < IV_BYTES + TAG_BYTES) return undefined;
  const decipher = createDecipheriv(
    'aes-256-gcm',
    keyFor(secret, purpose, salt),
    sealed.subarray(0, IV_BYTES),
    {
      authTagLength: TAG_BYTES,
    },
  );
  decipher.setAuthTag(sealed.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
  const start = decipher.update(sealed.subarray(IV_BYTES + TAG_BYTES));
  try {
    return Buffer.concat([start, decipher.final()]).toString('utf8');
  } catch (error) {
    // Node says nothing more than this of a tag that does not fit.
    if (error instanceof Error && /authenticate/.test(error.message)) return undefined;
    throw error;
  }
}

const NO_SALT = Buffer.alloc(0);

function keyFor(secret: string, purpose: string, salt: Buffer): KeyObject {
  const bytes = hkdfSync('sha256', secret, salt, `fraiseql-auth ${purpose}`, 32);
  // As bytes it costs the cipher three times as much.
  return createSecretKey(Buffer.from(bytes));
}

/**
 * The stable id of a user: the first 32 hexadecimal digits of SHA-256 over issuer, line feed, subject. Never the
 * e-mail address, which may pass to another person.
 */
export function userIdOf(issuer: string, subject: string): string {
  return hashOf(`${issuer}\n${subject}`).slice(0, 32);
}
