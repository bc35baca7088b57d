// JSON schemas that several routes share; fastify compiles them into parsers and serialisers.

export const tokenResponse = {
  type: 'object',
  properties: {
    access_token: {type: 'string'},
    refresh_token: {type: 'string'},
    token_type: {type: 'string'},
    expires_in: {type: 'integer'},
  },
} as const;

export interface TokenResponse {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly token_type: 'Bearer';
  readonly expires_in: number;
}

export const providerName = {type: 'string', minLength: 1, maxLength: 63} as const;
export const refreshToken = {type: 'string', minLength: 1, maxLength: 4096} as const;

/** What is asked of a token (RFC 7662, section 2.1; RFC 7009, section 2.1). */
export const tokenForm = {
  type: 'object',
  required: ['token'],
  properties: {
    token: {type: 'string', minLength: 1, maxLength: 8192},
    token_type_hint: {type: 'string', maxLength: 100},
    client_id: {type: 'string', maxLength: 255},
    client_secret: {type: 'string', maxLength: 1024},
  },
} as const;
