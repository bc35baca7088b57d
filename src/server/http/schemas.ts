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
