import {dirname} from 'node:path';
import type {Plugin} from 'esbuild';

interface Replacement {
  /** What is imported: a package, or the end of a file's path. */
  readonly module: RegExp;
  /** Only where the importing file's path fits. */
  readonly importer: RegExp;
  readonly contents: string;
}

// Parts of packages that the program never calls and that no bundler can leave out by itself. Together they would be
// 15 MB of memory in every process.
const REPLACEMENTS: readonly Replacement[] = [
  {
    // Agents and their requests; the index brings fetch, WebSocket, caches and mocks as well.
    module: /^undici$/,
    importer: /./,
    contents: `
      import api from 'undici/lib/api/index.js';
      import Dispatcher from 'undici/lib/dispatcher/dispatcher.js';
      export {default as buildConnector} from 'undici/lib/core/connect.js';
      export {default as Agent} from 'undici/lib/dispatcher/agent.js';
      export {default as Client} from 'undici/lib/dispatcher/client.js';
      export {default as ProxyAgent} from 'undici/lib/dispatcher/proxy-agent.js';
      Object.assign(Dispatcher.prototype, api);
      export function request(url, {dispatcher, method = 'GET', ...options}) {
        const {origin, pathname, search} = new URL(url);
        return dispatcher.request({...options, method, origin, path: pathname + search});
      }
      export const fetch = (...call) => globalThis.fetch(...call);`,
  },
  {
    // Messages in English; those in fifty other languages are loaded with it.
    module: /\/locales\/index\.js$/,
    importer: /\/zod\//,
    contents: `export {default as en} from './en.js';`,
  },
  {
    // A kubeconfig is read with it; the classes of all types are for another way of calling.
    module: /\/gen\/index\.js$/,
    importer: /\/client-node\/dist\/config\.js$/,
    contents: `
      export class ServerConfiguration {}
      export const createConfiguration = () => { throw new Error('this program makes no API clients of a KubeConfig'); };`,
  },
];

/** Leaves out of the bundle what the program carries around for nothing. */
export const lean: Plugin = {
  name: 'lean',
  setup(build) {
    for (const [index, {module, importer, contents}] of REPLACEMENTS.entries()) {
      const namespace = `lean-${index}`;
      build.onResolve({filter: module}, ({path, importer: from, resolveDir}) =>
        importer.test(from)
          ? {
              path,
              namespace,
              pluginData: path.startsWith('.') ? `${resolveDir}/${dirname(path)}` : process.cwd(),
            }
          : undefined,
      );
      build.onLoad({filter: /./, namespace}, ({pluginData}) => ({
        contents,
        resolveDir: pluginData as string,
      }));
    }
  },
};
