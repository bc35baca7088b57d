import {describe, expect, it} from 'vitest';
import {configurationFor} from '../../support/server/stack.ts';
import {ConfigurationError} from '../../../src/support/configuration/problems.ts';

/** What the start says of that issuer, or undefined where it is taken. */
function problemWith(issuer: string): string | undefined {
  try {
    configurationFor('postgres://auth@localhost/auth', 'https://id.example.com', {JWT_ISSUER: issuer});
    return undefined;
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems.join('\n');
    throw error;
  }
}

describe('RFC 8414 2: an issuer is a URL without a query or a fragment', () => {
  it.each([
    'https://auth.example.com',
    'https://auth.example.com/tenants/one',
    'https://auth.example.com:8443',
  ])('%s is taken', (issuer) => {
    expect(problemWith(issuer)).toBeUndefined();
  });

  it.each([
    'https://auth.example.com?tenant=one',
    'https://auth.example.com#one',
    'https://user:password@auth.example.com',
    'ftp://auth.example.com',
    'auth.example.com',
  ])('%s stops the start, by the name of the variable and without the value', (issuer) => {
    const problem = problemWith(issuer);
    expect(problem).toMatch(/^JWT_ISSUER: must /);
    expect(problem).not.toContain('password@');
  });
});
