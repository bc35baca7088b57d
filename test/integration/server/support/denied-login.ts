import type {RunningServer} from '../../../../src/server/server.ts';

/**
 * A login that is begun from that address, and that the person then refuses at the provider: the answer of the callback,
 * or of the start where that was refused. For a provider without pushed requests: `state` is read from its address.
 */
export async function deniedLogin(server: RunningServer, from: string): Promise<Response> {
  const begun = await fetch(`${server.url}/auth/start`, {
    method: 'POST',
    headers: {'content-type': 'application/json', 'x-forwarded-for': from},
    body: '{}',
  });
  if (begun.status !== 200) return begun;
  const {authorization_url: url} = (await begun.json()) as {authorization_url: string};
  const answer = new URLSearchParams({
    state: new URL(url).searchParams.get('state') ?? '',
    error: 'access_denied',
  });
  const [cookie = ''] = (begun.headers.get('set-cookie') ?? '').split(';', 1);
  return fetch(`${server.url}/auth/callback?${String(answer)}`, {
    headers: {'x-forwarded-for': from, cookie},
  });
}
