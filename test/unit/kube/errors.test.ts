import {expect, test} from 'vitest';
import {ApiError, apiErrorFrom, retryAfterMs, transportError} from '../../../src/kube/errors.ts';

const status = (fields: object): string => JSON.stringify({kind: 'Status', apiVersion: 'v1', ...fields});

test('the message names the call, the status and what the server said', () => {
  const error = apiErrorFrom('apply deployments a/b', {
    status: 422,
    body: status({
      reason: 'Invalid',
      message: 'it is invalid',
      details: {causes: [{field: 'spec.x', message: 'no'}]},
    }),
  });
  expect(error.message).toBe('apply deployments a/b: 422 Invalid: it is invalid');
  expect(error).toMatchObject({
    status: 422,
    reason: 'Invalid',
    causes: [{field: 'spec.x', message: 'no'}],
    transient: false,
  });
});

test('no bodies, credentials or keys in it, and it is short', () => {
  const secrets = [
    'Bearer eyJhbGciOiJSUzI1NiJ9.e30.sig',
    'postgres://user:hunter2@db/x',
    '-----BEGIN PRIVATE KEY-----\nMIIEvQ\n-----END PRIVATE KEY-----',
  ];
  const error = apiErrorFrom('get x', {status: 500, body: status({message: secrets.join(' and ')})});
  expect(error.message).not.toMatch(/eyJ|hunter2|MIIEvQ/);
  expect(apiErrorFrom('get x', {status: 502, body: '<html>hunter2</html>'}).message).not.toContain('hunter2');
  expect(
    apiErrorFrom('get x', {status: 500, body: status({message: 'x'.repeat(10_000)})}).message.length,
  ).toBeLessThan(500);
  const quoted = status({message: 'data.x: Invalid value: "hunter\\"2": bad'});
  expect(apiErrorFrom('get secrets x', {status: 422, body: quoted, secret: true}).message).toContain(
    'data.x: Invalid value: [redacted]: bad',
  );
});

test('Retry-After: seconds, a date, or in the details', () => {
  expect(retryAfterMs('2')).toBe(2000);
  expect(retryAfterMs(new Date(Date.now() + 5000).toUTCString())).toBeGreaterThan(3000);
  expect(retryAfterMs('soon')).toBeUndefined();
  expect(apiErrorFrom('x', {status: 429, body: '', retryAfter: '3'})).toMatchObject({
    reason: 'TooManyRequests',
    retryAfterMs: 3000,
    transient: true,
  });
  expect(apiErrorFrom('x', {status: 504, body: status({details: {retryAfterSeconds: 1}})}).retryAfterMs).toBe(
    1000,
  );
});

test('a 404 about the object is an absence, one about the route is not', () => {
  const named = status({reason: 'NotFound', details: {name: 'x', kind: 'pods'}});
  expect(apiErrorFrom('get', {status: 404, body: named}).absent).toBe(true);
  expect(apiErrorFrom('get', {status: 404, body: '404 page not found'}).absent).toBe(false);
  expect(apiErrorFrom('get', {status: 404, body: status({reason: 'NotFound', details: {}})}).absent).toBe(
    false,
  );
});

test('what got no answer says why, also behind an aggregate', () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), {code: 'ECONNREFUSED'});
  expect(transportError('get x', refused)).toMatchObject({
    status: 0,
    reason: 'ConnectionRefused',
    transient: true,
  });
  expect(transportError('get x', new AggregateError([refused])).message).toBe(
    'get x: ConnectionRefused: connect ECONNREFUSED 127.0.0.1:1',
  );
  expect(transportError('get x', 'odd').reason).toBe('ConnectionFailed');
  expect(new ApiError(0, 'Aborted', 'x').transient).toBe(false);
});
