import type {Target} from './target.ts';
import type {Attack} from './trial.ts';

/** So few that they are a test and no attack on who else is served. */
const CONNECTIONS = 8;
const EVERY_MS = 500;

/** A server may give a body more time than the headers. */
const BODY_MS = 35_000;

const HEADERS = {beginning: ['GET /auth/verify HTTP/1.1'], more: 'X-Slow: 1\r\n'};
const BODY: typeof HEADERS = {
  beginning: ['POST /auth/refresh HTTP/1.1', 'Content-Type: application/json', 'Content-Length: 60000', ''],
  more: ' ',
};

export const SLOW = 'slow-headers';

/** Headers and bodies that never end. `patienceMs` is how long a server may put up with that. */
export function slowHeaders(patienceMs: number): Attack {
  return {
    name: SLOW,
    title: `${CONNECTIONS} connections that send a little now and then, for ${Math.round(patienceMs / 1000)} s`,
    async run(target, trial) {
      const bodies = patienceMs > BODY_MS;
      if (!bodies) trial.note(`bodies that never end are tried with --patience above ${BODY_MS / 1000}`);
      const closing = Array.from({length: CONNECTIONS}, (_, n) =>
        dribble(target, patienceMs, bodies && n % 2 === 1 ? BODY : HEADERS),
      );
      const started = performance.now();
      const answer = await target.ask('/health/live');
      trial.expect('meanwhile others are served', answer, ({status}) => status !== 0);
      trial.check('and soon', performance.now() - started < 3000);
      const ended = await Promise.all(closing);
      trial.check(
        `the server ends them (${ended.filter(Boolean).length} of ${CONNECTIONS} were)`,
        ended.every(Boolean),
      );
    },
  };
}

/** Whether the server ended the connection in that time. */
function dribble(target: Target, patienceMs: number, {beginning, more}: typeof HEADERS): Promise<boolean> {
  const socket = target.connect();
  return new Promise((resolve) => {
    const end = (closed: boolean): void => {
      clearInterval(sending);
      clearTimeout(timer);
      socket.destroy();
      resolve(closed);
    };
    socket.on('error', () => end(true)).on('close', () => end(true));
    socket.resume();
    const [request = '', ...lines] = beginning;
    socket.write([request, `Host: ${target.url.host}`, ...lines].map((line) => `${line}\r\n`).join(''));
    const sending = setInterval(() => socket.write(more), EVERY_MS);
    const timer = setTimeout(() => end(false), patienceMs);
  });
}
