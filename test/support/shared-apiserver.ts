import {connect} from 'node:net';
import {text} from 'node:stream/consumers';
import {inject} from 'vitest';
import {attach, type ApiServer, type ApiServerAddress} from './apiserver.ts';

/** What shared-apiserver-setup.ts answers. */
export interface SharedApiServerAnswer {
  readonly address?: ApiServerAddress;
  readonly error?: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    /** The socket at which to ask for it. */
    apiserver: string;
  }
}

/**
 * The API server that test files share, with the resource defined and an audit log. Whoever uses it keeps to namespaces of
 * its own, and to clients and operators that see no others.
 */
export async function sharedApiServer(): Promise<ApiServer> {
  const {address, error} = JSON.parse(await text(connect(inject('apiserver')))) as SharedApiServerAnswer;
  if (address === undefined) throw new Error(`the API server that test files share: ${error}`);
  return attach(address);
}
