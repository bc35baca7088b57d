// People who use a service all the time: they log in, refresh and are verified, each over connections of their own that
// are kept, as a proxy keeps them. What does not go as it should is counted with its words.
import {setTimeout as delay} from 'node:timers/promises';
import {Agent} from 'undici';
import {Browser} from '../../support/browser.ts';
import {finishLogin, signIn, startLogin, type Tokens} from '../../support/login.ts';
import {publicUrl} from './fixtures.ts';
import {route} from './network.ts';

export interface Tally {
  readonly logins: number;
  readonly refreshes: number;
  readonly verifies: number;
  readonly errors: readonly string[];
}

/** Between two requests of one person, in milliseconds. */
const PACE_MS = 40;
/** Each person's n-th request is a refresh, and a new login. */
const REFRESH_EVERY = 8;
const LOGIN_EVERY = 40;

export class SteadyLoad {
  readonly #baseUrl: string;
  readonly #people: Promise<void>[];
  readonly #ending = new AbortController();
  #logins = 0;
  #refreshes = 0;
  #verifies = 0;
  #errors: string[] = [];

  constructor(namespace: string, people: number) {
    this.#baseUrl = publicUrl(namespace);
    this.#people = Array.from({length: people}, (_, index) => this.#live(`person-${index}`));
  }

  /** What happened since the last time it was asked. */
  take(): Tally {
    const tally = {
      logins: this.#logins,
      refreshes: this.#refreshes,
      verifies: this.#verifies,
      errors: this.#errors,
    };
    this.#logins = this.#refreshes = this.#verifies = 0;
    this.#errors = [];
    return tally;
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await Promise.all(this.#people);
  }

  async #live(user: string): Promise<void> {
    const dispatcher = new Agent({connections: 2, keepAliveTimeout: 60_000});
    let tokens: Tokens | undefined;
    for (let turn = 0; !this.#ending.signal.aborted; turn++) {
      try {
        if (tokens === undefined || turn % LOGIN_EVERY === 0) tokens = await this.#login(user, dispatcher);
        else if (turn % REFRESH_EVERY === 0) tokens = await this.#refresh(tokens, dispatcher);
        else await this.#verify(tokens, dispatcher);
      } catch (error) {
        const when = new Date().toISOString();
        this.#errors.push(`${when} ${user}: ${error instanceof Error ? error.message : String(error)}`);
      }
      await delay(PACE_MS);
    }
    await dispatcher.destroy();
  }

  async #login(user: string, dispatcher: Agent): Promise<Tokens> {
    const baseUrl = this.#baseUrl;
    const browser = new Browser({dispatcher, route: route()});
    const callback = await signIn(browser, await startLogin(browser, {baseUrl}), {baseUrl, user});
    const tokens = await finishLogin(browser, callback);
    this.#logins++;
    return tokens;
  }

  async #refresh(tokens: Tokens, dispatcher: Agent): Promise<Tokens> {
    const answer = await new Browser({dispatcher, route: route()}).visit(`${this.#baseUrl}/auth/refresh`, {
      json: {refresh_token: tokens.refresh_token},
    });
    if (answer.status !== 200) throw new Error(`refresh: ${answer.status} ${answer.body.slice(0, 200)}`);
    this.#refreshes++;
    return JSON.parse(answer.body) as Tokens;
  }

  async #verify(tokens: Tokens, dispatcher: Agent): Promise<void> {
    const answer = await new Browser({dispatcher, route: route()}).visit(`${this.#baseUrl}/auth/verify`, {
      headers: {authorization: `Bearer ${tokens.access_token}`},
    });
    if (answer.status !== 200) throw new Error(`verify: ${answer.status} ${answer.body.slice(0, 200)}`);
    this.#verifies++;
  }
}
