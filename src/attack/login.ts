import type {Answer, Target} from './target.ts';
import {providerOf, refused, type Attack} from './trial.ts';

export const EVIL = 'evil.example';

/** Ways to write an address elsewhere so that a careless check takes it for a path, or for an address of ours. */
export function spellings({host}: URL): string[] {
  return [
    `https://${EVIL}`,
    `HTTPS://${EVIL.toUpperCase()}`,
    `//${EVIL}`,
    `///${EVIL}`,
    `/\\${EVIL}`,
    `\\\\${EVIL}`,
    `/\t/${EVIL}`,
    `\t//${EVIL}`,
    ` //${EVIL}`,
    `/\n/${EVIL}`,
    `/\r\n/${EVIL}`,
    `https:${EVIL}`,
    `https:/${EVIL}`,
    `http:\\\\${EVIL}`,
    `https://${host}@${EVIL}`,
    `https://${host}.${EVIL}`,
    `https://${EVIL}#${host}`,
    `https://${EVIL}?${host}`,
    `https://${EVIL}\\@${host}`,
    `https://user:password@${host}/`,
    `%2f%2f${EVIL}`,
    `@${EVIL}`,
    `.${EVIL}`,
    EVIL,
    `//${EVIL}/%2f..`,
    `https://evil\u3002example`,
    `https://${host}%00.${EVIL}`,
    `https://${host}:x@${EVIL}`,
    `https://[${EVIL}]/`,
    `/%09/${EVIL}\u0000`,
    `;//${EVIL}`,
    `\u2215\u2215${EVIL}`,
    `/\u00a0/${EVIL}`,
    `http:/\\/\\${EVIL}`,
    'JaVaScRiPt:alert(1)',
    'blob:https://evil.example/x',
    'vbscript:x',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'data:text/html,<script>alert(1)</script>',
    '/auth/callback?state=x',
    `/${'a'.repeat(3000)}`,
  ];
}

const start = (target: Target, provider: string | undefined, query = '', headers = {}): Promise<Answer> =>
  target.ask(`/auth/start?${provider === undefined ? '' : `provider=${provider}&`}${query}`, {headers});

export const openRedirect: Attack = {
  name: 'open-redirect',
  title: 'return_to to another site, in every spelling',
  async run(target, trial) {
    const provider = await providerOf(target);
    const control = await start(target, provider, 'return_to=%2Fauth%2Faccount');
    if (control.status !== 303)
      trial.note(`no login can begin at all (${control.status}), so a refusal tells little`);
    for (const spelling of spellings(target.url)) {
      const answer = await start(target, provider, `return_to=${encodeURIComponent(spelling)}`);
      trial.expect(`return_to=${JSON.stringify(spelling.slice(0, 60))}`, answer, refused);
    }
    const twice = await start(target, provider, `return_to=/ok&return_to=//${EVIL}`);
    trial.expect('return_to given twice', twice, refused);
  },
};

export const loginCsrf: Attack = {
  name: 'login-csrf',
  title: 'a login that another browser could end: its cookie, state, nonce and PKCE',
  async run(target, trial) {
    const provider = await providerOf(target);
    const [one, two] = [await start(target, provider), await start(target, provider)];
    trial.expect('GET /auth/start', one, ({status}) => status === 303);
    const cookie = one.headers['set-cookie'] ?? '';
    trial.check('the login sets a cookie that ties it to the browser', /fraiseql-login-/.test(cookie));
    trial.check(
      'that cookie is HttpOnly and SameSite',
      /; HttpOnly/i.test(cookie) && /; SameSite=(Lax|Strict)/i.test(cookie),
    );
    if (target.url.protocol === 'https:')
      trial.check(
        'and Secure, with the prefix __Host-',
        cookie.startsWith('__Host-') && /; Secure/i.test(cookie),
      );
    const [first, second] = [asked(one), asked(two)];
    if (first.has('request_uri')) {
      trial.note('the provider takes pushed requests (PAR): state, nonce and PKCE do not pass the browser');
      return;
    }
    trial.check('state has 128 bits at least', (first.get('state') ?? '').length >= 22);
    trial.check('state is another each time', first.get('state') !== second.get('state'));
    trial.check('PKCE with S256', first.get('code_challenge_method') === 'S256');
    trial.check('the response type is code', first.get('response_type') === 'code');
  },
};

export const forgedHost: Attack = {
  name: 'forged-host',
  title: 'Host and X-Forwarded-* that name another site',
  async run(target, trial) {
    const provider = await providerOf(target);
    for (const headers of [
      {host: EVIL},
      {'x-forwarded-host': EVIL},
      {'x-forwarded-host': EVIL, 'x-forwarded-proto': 'http'},
      {forwarded: `host=${EVIL};proto=http`},
      {'x-original-host': EVIL, 'x-rewrite-url': `https://${EVIL}/`},
    ]) {
      const answer = await start(target, provider, '', headers);
      const where = `${answer.headers['location'] ?? ''} ${answer.headers['set-cookie'] ?? ''} ${answer.body}`;
      trial.expect(JSON.stringify(headers), answer, () => !where.includes(EVIL));
    }
  },
};

/** Last, and little of it: the made-up code is a failed login, of which an address has five an hour. */
export const callback: Attack = {
  name: 'callback',
  title: "a made-up answer of the provider, HTML in it, another browser's, and the same one twice",
  async run(target, trial) {
    const html = '%3Cscript%3Ealert(1)%3C/script%3E';
    const begun = await start(target, await providerOf(target));
    const state = asked(begun).get('state');
    const cookie = begun.headers['set-cookie']?.split(';')[0] ?? '';
    const answers: [string, Answer][] = [
      [
        'a state that nobody began, and HTML',
        await target.ask(`/auth/callback?state=${html}&error=${html}&error_description=${html}`, {
          headers: {accept: 'text/html'},
        }),
      ],
    ];
    if (state === null)
      trial.note(
        'the provider takes pushed requests (PAR): no state of a login is seen that could be replayed',
      );
    else {
      const path = `/auth/callback?code=made-up&state=${encodeURIComponent(state)}`;
      answers.push(['the state of another browser', await target.ask(path)]);
      const first = await target.ask(path, {headers: {cookie}});
      trial.expect('a made-up code gives no session', first, ({status}) => status === 401 || status === 502);
      answers.push(['a state that was used', await target.ask(path, {headers: {cookie}})]);
    }
    for (const [what, answer] of answers) {
      trial.expect(what, answer, ({status}) => status === 400);
      trial.expect(
        `${what}: no session comes of it`,
        answer,
        ({headers}) => !/fraiseql-session=[^;]/.test(headers['set-cookie'] ?? ''),
      );
      trial.expect(`${what}: no script is in the page`, answer, ({body}) => !body.includes('<script>alert'));
    }
  },
};

function asked({headers}: Answer): URLSearchParams {
  const location = headers['location'] ?? '';
  return URL.canParse(location) ? new URL(location).searchParams : new URLSearchParams();
}
