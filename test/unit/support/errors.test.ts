import {describe, expect, it} from 'vitest';
import {AuthError, ERRORS, errorBody, providerUnavailable, unavailable} from '../../../src/support/errors.ts';

describe('the catalogue', () => {
  it('has the status and the message that the contract fixes for each code', () => {
    const failed = 'Authentication failed';
    expect(Object.entries(ERRORS).map(([code, {status, message}]) => [code, status, message])).toEqual([
      ['invalid_request', 400, 'Invalid request'],
      ['invalid_state', 400, failed],
      ['pkce_error', 400, failed],
      ['token_expired', 401, failed],
      ['invalid_signature', 401, failed],
      ['invalid_token', 401, failed],
      ['token_not_found', 401, failed],
      ['session_error', 401, failed],
      ['oauth_error', 401, failed],
      ['forbidden', 403, 'Permission denied'],
      ['not_found', 404, 'Not found'],
      ['method_not_allowed', 405, 'Method not allowed'],
      ['payload_too_large', 413, 'Payload too large'],
      ['unsupported_media_type', 415, 'Unsupported media type'],
      ['rate_limited', 429, 'Too many requests'],
      ['server_error', 500, 'Service temporarily unavailable'],
    ]);
  });

  it('keeps the reason from the client', () => {
    const error = new AuthError('token_not_found', 'reused by session 7');
    expect(errorBody(error.code, error.message, 'r')).toBe(
      '{"errors":[{"message":"Authentication failed","extensions":{"code":"token_not_found","request_id":"r"}}]}',
    );
  });

  it('has 502 for the provider and 503 with Retry-After for what is away', () => {
    expect(providerUnavailable('x')).toMatchObject({code: 'oauth_error', status: 502});
    expect(unavailable('x', 2)).toMatchObject({
      code: 'server_error',
      status: 503,
      headers: {'retry-after': '2'},
    });
  });
});
