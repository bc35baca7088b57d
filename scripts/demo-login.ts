// A login in the demo's cluster, told step by step. What a person must never show anyone is shortened.
import {decodeJwt} from 'jose';
import {closeNetwork, podUrl, serviceUrl} from '../test/e2e/support/network.ts';
import {Browser, formOf, type Answer} from '../test/support/browser.ts';
import {listObjects} from '../test/support/kubectl.ts';
import {finishLogin, signIn, startLogin} from '../test/support/login.ts';

const namespace = 'demo';
const name = 'demo';
const baseUrl = 'https://auth.demo.example.com';
const user = 'ada';

/** What an address says, its secrets cut short. */
function brief(url: URL): string {
  const parameters = [...url.searchParams].map(([key, value]) =>
    value.length > 24 && !value.startsWith('http') ? `${key}=${value.slice(0, 8)}…` : `${key}=${value}`,
  );
  const where = `${url.origin}${url.pathname.replaceAll(/[A-Za-z0-9_-]{24,}/g, (id) => `${id.slice(0, 8)}…`)}`;
  return parameters.length === 0 ? where : `${where}?${parameters.join('&')}`;
}

function narrate(method: string, answer: Answer): void {
  const form = formOf(answer);
  console.log(`    ${method.padEnd(4)} ${brief(answer.url)}`);
  if (answer.location !== undefined) console.log(`      ${answer.status} → ${brief(answer.location)}`);
  else if (form?.id === 'login')
    console.log(`      ${answer.status} the provider's sign-in form; we are ${user}`);
  else if (form !== undefined)
    console.log(`      ${answer.status} the provider asks whether this is allowed; it is`);
  else console.log(`      ${answer.status}`);
}

const server = await serviceUrl(namespace, name, 80);
const provider = await serviceUrl(namespace, 'provider', 8080);

/** What an Ingress does for the public name: it ends TLS, and sends requests to the Service, or here to one pod. */
function browser(target = server): Browser {
  return new Browser({
    onAnswer: narrate,
    route: (url) => {
      if (url.origin === baseUrl) return new URL(`${url.pathname}${url.search}`, target);
      return url.hostname.startsWith('provider.')
        ? new URL(`${url.pathname}${url.search}`, provider)
        : undefined;
    },
  });
}

const person = browser();
const started = performance.now();
const authorizationUrl = await startLogin(person, {baseUrl, provider: 'idp'});
const callback = await signIn(person, authorizationUrl, {baseUrl, user});
const tokens = await finishLogin(person, callback);
console.log(`\n    logged in, in ${Math.round(performance.now() - started)} ms:`);
console.log(`      access_token   ${tokens.access_token.slice(0, 16)}…, ${tokens.expires_in} s`);
console.log(`      refresh_token  ${tokens.refresh_token.slice(0, 6)}…`);
const {iss, sub, aud, exp} = decodeJwt(tokens.access_token);
console.log(`      which says     ${JSON.stringify({iss, sub, aud, exp})}\n`);

const pods = await listObjects(
  'pods',
  namespace,
  `app.kubernetes.io/instance=${name},app.kubernetes.io/component=server`,
);
for (const pod of pods) {
  const replica = new Browser({
    route: async (url) => new URL(url.pathname, await podUrl(namespace, pod.metadata.name, 8000)),
  });
  const {status, headers} = await replica.visit(`${baseUrl}/auth/verify`, {
    headers: {authorization: `Bearer ${tokens.access_token}`},
  });
  console.log(`    verify on ${pod.metadata.name}: ${status} ${headers['x-auth-request-email'] ?? ''}`);
  if (status !== 200) throw new Error(`${pod.metadata.name} does not take the token`);
}
const refreshed = await browser().visit(`${baseUrl}/auth/refresh`, {
  json: {refresh_token: tokens.refresh_token},
});
const next = JSON.parse(refreshed.body) as {refresh_token: string};
const out = await browser().visit(`${baseUrl}/auth/logout`, {json: {refresh_token: next.refresh_token}});
const after = await browser().visit(`${baseUrl}/auth/refresh`, {json: {refresh_token: next.refresh_token}});
console.log('    refreshed, logged out; the refresh token is now worth nothing');
if (refreshed.status !== 200 || out.status !== 204 || after.status !== 401) {
  throw new Error(`refresh ${refreshed.status}, logout ${out.status}, refresh again ${after.status}`);
}
// What stands between this process and the pods would keep it alive.
closeNetwork();
