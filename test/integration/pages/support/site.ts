// The auth server as people meet it: two providers to choose from, a brand, https, and a Chromium to look with.
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {Browser} from 'playwright-core';
import type {RunningServer} from '../../../../src/server/server.ts';
import {startProvider, type RunningProvider} from '../../../fixtures/provider/provider.ts';
import {CLIENT_SECRET, startStack, type Stack} from '../../../support/server/stack.ts';
import {launchChromium} from './chromium.ts';
import {startEdge} from './edge.ts';

export const HOME = 'https://auth.example.com';
/** An application whose origin is allowed, on the same site; and a stranger. */
export const APP = 'https://app.example.com';
export const EVIL = 'https://evil.example.net';
/** Of the same site as the server, but not allowed. */
export const SIBLING = 'https://blog.example.com';

export const LOGO = `data:image/svg+xml;base64,${Buffer.from(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><path fill="#0f766e" d="M16 2 28 9v14l-12 7L4 23V9z"/><path fill="#fff" d="M11 10h11v3h-8v3h6v3h-6v5h-3z"/></svg>',
).toString('base64')}`;

export interface Site {
  readonly stack: Stack;
  readonly provider: RunningProvider;
  readonly server: RunningServer;
  readonly browser: Browser;
  close(): Promise<void>;
}

export async function startSite(branding: Record<string, string> = {}): Promise<Site> {
  const directory = await mkdtemp(join(tmpdir(), 'site-'));
  const stack = await startStack();
  const provider = await startProvider({
    clients: [
      {clientId: 'auth-server', clientSecret: CLIENT_SECRET, redirectUris: [`${HOME}/auth/callback`]},
    ],
  });
  const [secretFile, file] = [join(directory, 'secret'), join(directory, 'auth.yaml')];
  await writeFile(secretFile, CLIENT_SECRET);
  const common = {
    type: 'oidc',
    issuerUrl: provider.issuer,
    clientId: 'auth-server',
    clientSecretFile: secretFile,
  };
  await writeFile(
    file,
    JSON.stringify({
      branding,
      providers: [
        {name: 'staff', displayName: 'Example Staff', ...common},
        {name: 'partners', displayName: 'Partners & <Friends>', ...common},
      ],
    }),
  );
  const server = await stack.server({
    OAUTH_PROVIDER: '',
    OIDC_ISSUER_URL: '',
    OIDC_CLIENT_ID: '',
    OIDC_CLIENT_SECRET: '',
    AUTH_CONFIG_FILE: file,
    OAUTH_REDIRECT_URI: `${HOME}/auth/callback`,
    RETURN_TO_ORIGINS: APP,
  });
  const edge = await startEdge((host) => (host === new URL(HOME).host ? server.url : undefined));
  const browser = await launchChromium(edge.port);
  return {
    stack,
    provider,
    server,
    browser,
    async close() {
      await browser.close();
      await edge.close();
      await stack.close();
      await provider.close();
      await rm(directory, {recursive: true});
    },
  };
}
