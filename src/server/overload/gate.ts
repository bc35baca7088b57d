import {monitorEventLoopDelay} from 'node:perf_hooks';
import type {
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  onRequestAsyncHookHandler,
  onRequestHookHandler,
} from 'fastify';
import {overloaded} from '../../support/errors.ts';
import type {Clock, Timer} from '../../support/clock.ts';
import type {Metrics} from '../metrics.ts';
import {retryAfter, type Urgency} from './urgency.ts';

const REVOKE = 'POST /auth/revoke';
/** Whatever the method: it is that of the request which is asked about. */
const VERIFY = '/auth/verify';
/** How urgent each route's work is. The others cost next to nothing, or say how the server is: they are always served. */
const ROUTES: ReadonlyMap<string, Urgency> = new Map([
  ['POST /auth/start', 'login'],
  ['GET /auth/start', 'login'],
  ['GET /auth/callback', 'login'],
  ['GET /auth/callback/:provider', 'login'],
  ['POST /auth/refresh', 'refresh'],
  ['GET /auth/me', 'check'],
  ['GET /auth/sessions', 'check'],
  ['GET /auth/account', 'check'],
  ['POST /auth/introspect', 'check'],
  ['POST /auth/logout', 'ending'],
  // Anybody may send it anything: it takes no room from those who have a session, unless a client sends it.
  [REVOKE, 'login'],
  ['DELETE /auth/sessions/:id', 'ending'],
  ['POST /auth/account/sign-out', 'ending'],
  ['POST /auth/account/sign-out-everywhere', 'ending'],
  ['POST /auth/account/end-session', 'ending'],
  ['POST /auth/backchannel-logout/:provider', 'ending'],
]);

/**
 * How many may be under way. Logins are counted by themselves, because they wait for providers: those that hang take
 * no room from what goes on without them.
 */
const IN_FLIGHT: Readonly<Record<Urgency, number>> = {
  login: 500,
  refresh: 1_000,
  check: 1_500,
  ending: 2_000,
};
/**
 * How late the event loop may be on average, milliseconds, in two samples one after the other: what comes is read later
 * than it can be answered. One long stall is over by the time it is seen.
 */
const LATE_MS: Readonly<Record<Urgency, number>> = {login: 500, refresh: 1_000, check: 2_000, ending: 4_000};
const SAMPLE_MS = 1_000;
const RESOLUTION_MS = 20;

/** Refuses requests at the door while there is more under way than can be done, the least urgent first. */
export class Gate {
  readonly #inFlight: Record<Urgency, number> = {ending: 0, check: 0, refresh: 0, login: 0};
  readonly #delay = monitorEventLoopDelay({resolution: RESOLUTION_MS});
  readonly #clock: Clock;
  readonly #metrics: Metrics;
  #lateMs = 0;
  #timer: Timer | undefined;

  constructor(clock: Clock, metrics: Metrics) {
    this.#clock = clock;
    this.#metrics = metrics;
    metrics.watchInFlight((urgency) => this.#inFlight[urgency]);
  }

  start(): void {
    this.#delay.enable();
    let before = 0;
    const look = (): void => {
      const mean = this.#delay.mean / 1e6 - RESOLUTION_MS;
      const late = Number.isFinite(mean) ? mean : 0;
      this.#lateMs = Math.min(before, late);
      before = late;
      this.#delay.reset();
      this.#timer = this.#clock.setTimeout(look, SAMPLE_MS);
    };
    this.#timer = this.#clock.setTimeout(look, SAMPLE_MS);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#delay.disable();
  }

  /**
   * Stands before everything else that the routes from now on do. `isClient` says of a request to revoke whether it is the
   * client's, and rejects where it says so wrongly: a wrong secret is told, and counted, however much is under way.
   */
  guard(app: FastifyInstance, isClient: (request: FastifyRequest) => Promise<boolean>): void {
    app.addHook('onRoute', (route) => {
      const name = `${route.method === 'HEAD' ? 'GET' : String(route.method)} ${route.url}`;
      const urgency = route.url.startsWith(VERIFY) ? 'check' : ROUTES.get(name);
      if (urgency === undefined) return;
      const enter: onRequestHookHandler | onRequestAsyncHookHandler =
        name === REVOKE
          ? async (request: FastifyRequest, reply: FastifyReply) => {
              const refusal = this.#enter((await isClient(request)) ? 'ending' : urgency, reply);
              if (refusal) throw refusal;
            }
          : (_request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) =>
              done(this.#enter(urgency, reply));
      route.onRequest = [enter, ...[route.onRequest ?? []].flat()];
    });
  }

  /** Lets it in until its answer has gone, or says why not. */
  #enter(urgency: Urgency, reply: FastifyReply): Error | undefined {
    const why = this.#full(urgency);
    if (why !== undefined) {
      this.#metrics.shed(urgency, why);
      return overloaded(`too much is under way (${why})`, retryAfter());
    }
    this.#inFlight[urgency]++;
    reply.raw.once('close', () => this.#inFlight[urgency]--);
    return undefined;
  }

  #full(urgency: Urgency): 'in_flight' | 'event_loop' | undefined {
    const {login, refresh, check, ending} = this.#inFlight;
    const beside = urgency === 'login' ? login : refresh + check + ending;
    if (beside >= IN_FLIGHT[urgency]) return 'in_flight';
    return this.#lateMs > LATE_MS[urgency] ? 'event_loop' : undefined;
  }
}
