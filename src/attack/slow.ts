import type {Target} from './target.ts';
import type {Attack} from './trial.ts';

/** So few that they are a test and no attack on who else is served. */
const CONNECTIONS = 8;
const EVERY_MS = 500;

export const SLOW = 'slow-headers';

/** Headers that never end. `patienceMs` is how long a server may put up with that. */
export function slowHeaders(patienceMs: number): Attack {
  return {
    name: SLOW,
    title: `${CONNECTIONS} connections that send a header line now and then, for ${Math.round(patienceMs / 1000)} s`,
    async run(target, trial) {
      const closing = Array.from({length: CONNECTIONS}, () => dribble(target, patienceMs));
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
function dribble(target: Target, patienceMs: number): Promise<boolean> {
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
    socket.write(`GET /auth/verify HTTP/1.1\r\nHost: ${target.url.host}\r\n`);
    const sending = setInterval(() => socket.write('X-Slow: 1\r\n'), EVERY_MS);
    const timer = setTimeout(() => end(false), patienceMs);
  });
}
