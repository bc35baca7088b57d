import {describe, expect, it} from 'vitest';
import {logLevelFrom} from '../../../src/support/logging.ts';

describe('RUST_LOG', () => {
  it.each([
    ['debug', 'debug'],
    ['info,fraiseql_server::auth=debug', 'debug'],
    ['error,fraiseql_server::auth=info', 'info'],
    ['fraiseql_server::auth=info,error', 'info'],
    ['error, fraiseql_server = warn ', 'warn'],
    ['fraiseql_server=debug,fraiseql_server::auth=error', 'error'],
    ['fraiseql_server::auth=off', 'silent'],
    ['warn,hyper=trace', 'warn'],
    ['hyper=trace', 'info'],
    ['fraiseql_server', 'trace'],
    ['warn,fraiseql_server::auth', 'trace'],
    ['warn,hyper::proto', 'warn'],
    ['info/oauth', 'info'],
    ['', 'info'],
    [',', 'info'],
    ['info,fraiseql_server::auth=loud', undefined],
    ['loud', undefined],
  ])('%j gives %j', (filter, level) => {
    expect(logLevelFrom({RUST_LOG: filter})).toBe(level);
  });

  it('gives way to LOG_LEVEL', () => {
    expect(logLevelFrom({LOG_LEVEL: 'warn', RUST_LOG: 'fraiseql_server::auth=debug'})).toBe('warn');
  });
});
