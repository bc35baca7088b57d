import type {Answer} from './target.ts';
import {jsonOf, type Attack} from './trial.ts';

/** So many at once are two impatient tabs and a bad network, and no load. */
const AT_ONCE = 20;
/** How long after a logout an access token may still be taken. */
const REVOKED_MS = 1_000;
const JSON_TYPE = {'content-type': 'application/json'};

/** With a session of one's own, which is over afterwards: `token` is its refresh token. */
export function sessionRaces(token: string): Attack {
  const body = (refresh_token: string): string => JSON.stringify({refresh_token});
  const tokensOf = (answer: Answer): {access?: string; refresh?: string} => {
    const {access_token: access, refresh_token: refresh} = (jsonOf(answer) ?? {}) as Record<string, string>;
    return {...(access !== undefined && {access}), ...(refresh !== undefined && {refresh})};
  };
  return {
    name: 'session-races',
    title: `${AT_ONCE} refreshes at once with one token, a logout among ${AT_ONCE}, and what is left of the session`,
    async run(target, trial) {
      const refresh = (refreshToken: string) =>
        target.together(AT_ONCE, '/auth/refresh', {
          method: 'POST',
          headers: JSON_TYPE,
          body: body(refreshToken),
        });
      const answers = await refresh(token);
      for (const answer of answers)
        trial.expect('each of them is answered', answer, ({status}) => status === 200);
      const successors = new Set(answers.flatMap((answer) => tokensOf(answer).refresh ?? []));
      trial.check(`all get one successor (${successors.size})`, successors.size === 1);
      const [next] = successors;
      const access = answers.map((answer) => tokensOf(answer).access).find((each) => each !== undefined);
      if (next === undefined || access === undefined) {
        trial.note('the refresh token was not taken: a new one is needed, of a session that stands');
        return;
      }
      const headers = {authorization: `Bearer ${access}`};
      const verify = (): Promise<Answer> => target.ask('/auth/verify', {headers});
      trial.expect('the access token is taken', await verify(), ({status}) => status === 200);

      const logout = {method: 'POST', headers: JSON_TYPE, body: body(next)};
      const [racing, [ended]] = await Promise.all([
        refresh(next),
        target.together(1, '/auth/logout', logout),
      ]);
      if (ended) trial.expect('the logout', ended, ({status}) => status === 204);
      let [waited, last] = [0, await verify()];
      for (const began = performance.now(); last.status === 200 && waited < REVOKED_MS; last = await verify())
        waited = performance.now() - began;
      trial.expect('the access token is refused within a second', last, ({status}) => status === 401);
      for (const left of new Set([
        token,
        next,
        ...racing.flatMap((answer) => tokensOf(answer).refresh ?? []),
      ])) {
        const ask = {method: 'POST', headers: JSON_TYPE, body: body(left)};
        trial.expect(
          'no refresh token is left',
          await target.ask('/auth/refresh', ask),
          ({status}) => status === 401,
        );
      }
    },
  };
}
