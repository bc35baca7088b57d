import * as fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {resolveReturnTo} from '../../../src/server/login/return-to.ts';

const HOME = 'https://auth.example.com';
const ALLOWED = ['https://app.example.com', 'https://app.example.com:8443'];
const resolve = (text: string): string | undefined => resolveReturnTo(text, HOME, ALLOWED);

describe('return_to takes (RFC 9700 4.11)', () => {
  it.each([
    ['/', `${HOME}/`],
    ['/inbox?x=1&y=%2F%2Fevil.com#top', `${HOME}/inbox?x=1&y=%2F%2Fevil.com#top`],
    ['/a/../b', `${HOME}/b`],
    ['https://app.example.com', 'https://app.example.com/'],
    ['https://app.example.com/deep?q', 'https://app.example.com/deep?q'],
    ['https://app.example.com:8443/x', 'https://app.example.com:8443/x'],
    ['HTTPS://APP.example.com/x', 'https://app.example.com/x'],
    [`${HOME}/x`, `${HOME}/x`],
    // A path to us, though it looks like another host: the absolute address leaves no doubt.
    ['/.//evil.com', `${HOME}//evil.com`],
    ['/%2f%2fevil.com', `${HOME}/%2f%2fevil.com`],
    ['/@evil.com', `${HOME}/@evil.com`],
  ])('%s', (text, expected) => {
    expect(resolve(text)).toBe(expected);
  });
});

describe('return_to refuses (RFC 9700 4.11)', () => {
  it.each([
    '',
    '//evil.com',
    '///evil.com',
    '////evil.com',
    String.raw`/\evil.com`,
    String.raw`\\evil.com`,
    String.raw`\/evil.com`,
    '/\t/evil.com',
    '/\n/evil.com',
    '\t//evil.com',
    ' //evil.com',
    ' /inbox',
    '/inbox ',
    'https:evil.com',
    'https:/evil.com',
    'https:///evil.com',
    String.raw`https:\\evil.com`,
    'https://evil.com',
    'http://app.example.com/',
    'https://app.example.com.evil.com',
    'https://app.example.com@evil.com',
    'https://user@app.example.com/',
    'https://evil.com#@app.example.com',
    'https://evil.com?https://app.example.com',
    'https://app.example.com:444/',
    'https://app.example.com%00.evil.com',
    'https://app.example.com\u0000.evil.com',
    'https://аpp.example.com/',
    'https://ⓐpp.example.com/',
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'data:text/html,x',
    'blob:https://app.example.com/x',
    'ftp://app.example.com/',
    'file:///etc/passwd',
    'evil.com',
    '.evil.com',
    'inbox',
    '?x',
    '#x',
    '/auth/start?return_to=/',
    '/auth/callback',
    '/auth/callback/google',
    '/auth/../auth/start',
    `/${'x'.repeat(2048)}`,
  ])('%j', (text) => {
    expect(resolve(text)).toBeUndefined();
  });

  it('whatever is not ours or allowed, as a browser would read it', () => {
    const nasty = fc.stringMatching(/^[/\\:@?#.\t\n %a-z0-9-]{0,12}$/);
    const address = fc.tuple(
      fc.constantFrom('', '/', '//', 'https://', 'https:', 'http://', '\\', '/\\'),
      nasty,
      nasty,
    );
    fc.assert(
      fc.property(address, (parts) => {
        const answer = resolve(parts.join(''));
        if (answer === undefined) return;
        const url = new URL(answer);
        expect([HOME, ...ALLOWED]).toContain(url.origin);
        // A browser on our own page reads the Location header the same.
        expect(new URL(answer, `${HOME}/auth/callback`).href).toBe(url.href);
      }),
      {numRuns: 2000},
    );
  });
});
