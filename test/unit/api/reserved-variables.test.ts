import {describe, expect, test} from 'vitest';
import {RESERVED_VARIABLE} from '../../../src/api/v1alpha1/reserved-variables.ts';
import {PROVIDER_TYPES} from '../../../src/server/providers/catalogue.ts';
import {variablesSchema} from '../../../src/support/configuration/variables.ts';

/** What the server reads and no field of the resource sets. */
const FREE = ['LOGIN_BINDING'];

describe('pod.extraEnv cannot set', () => {
  test.each([
    ...Object.keys(variablesSchema.shape).filter((name) => !FREE.includes(name)),
    ...PROVIDER_TYPES.flatMap(({prefix, locations}) => [
      `${prefix}_CLIENT_ID`,
      `${prefix}_CLIENT_SECRET_FILE`,
      ...locations.flatMap(({variables}) => variables),
    ]),
    ...['DATABASE_URL', 'REDIS_URL', 'STATE_KEY', 'JWT_SIGNING_KEY', 'INTROSPECTION_CLIENT_SECRET'].flatMap(
      (name) => [name, `${name}_FILE`],
    ),
    'INTROSPECTION_CLIENT_ID',
  ])('%s', (name) => {
    expect(RESERVED_VARIABLE.test(name)).toBe(true);
  });
});

describe('pod.extraEnv can set', () => {
  test.each([...FREE, 'HTTPS_PROXY', 'NODE_EXTRA_CA_CERTS', 'TZ', 'MY_DATABASE_URL', 'PORTAL'])(
    '%s',
    (name) => {
      expect(RESERVED_VARIABLE.test(name)).toBe(false);
    },
  );
});
