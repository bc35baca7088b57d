import {randomBytes} from 'node:crypto';
import type {Client} from 'pg';
import {createClient} from '../../database/pool.ts';
import type {Clock, Timer} from '../../support/clock.ts';
import {CLOCK} from '../sessions/statements.ts';
import type {Horizon} from './horizon.ts';

export interface FeedOptions {
  readonly databaseUrl: string;
  readonly clock: Clock;
  /** That session was ended, or otherwise changed. */
  readonly onSession: (id: string) => void;
  /** Words may have been missed: nothing that was known before holds. */
  readonly onGap: () => void;
  /** Told when it becomes live, and when it is lost, with the reason. */
  readonly onChange: (live: boolean, error: unknown) => void;
  /** Milliseconds from sending a beat to hearing it. */
  readonly onBeat: (lagMs: number) => void;
}

const CHANNEL = 'fraiseql_auth_sessions';
/** Time between two beats. */
const BEAT_MS = 250;
/** A feed counts as live while a beat sent no longer ago than this has been heard. */
const LIVE_MS = 750;
/** A connection whose beat is not heard in this time is given up. */
const SILENT_MS = 2_000;
const RECONNECT_MS = 250;
const RECONNECT_MAX_MS = 3_000;

interface ClockRow {
  readonly read_at: number;
  readonly server: number;
}

/** A beat need not outlive a crash of the database, so its commit waits for no disk. */
const BEAT = `SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2), ${CLOCK}`;

/**
 * The word of ended sessions, by LISTEN and NOTIFY. PostgreSQL delivers notifications to a connection in the order of
 * their commits and loses none while the connection stands; so each beat of our own that comes back through the
 * same queue proves that everything committed before it was sent has been heard. While the newest such beat is at most
 * `LIVE_MS` old, nothing that this replica knows of a session is older than that. A connection that breaks, or says
 * nothing, or is not really ours (a pooler between) ends that, and what may have been missed is forgotten.
 */
export class RevocationFeed {
  readonly #options: FeedOptions;
  readonly #beatChannel = `fraiseql_auth_beat_${randomBytes(8).toString('hex')}`;
  #client: Client | undefined;
  #timer: Timer | undefined;
  #stopped = true;
  #told = false;
  #listening = false;
  #beat = 0;
  /** When the beat under way was sent; undefined between two. */
  #sentAt: number | undefined;
  #confirmedAt = Number.NEGATIVE_INFINITY;
  #backOffMs = RECONNECT_MS;
  #horizon: Horizon | undefined;
  #newest: Horizon | undefined;

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  get live(): boolean {
    return this.#listening && this.#options.clock.monotonic() - this.#confirmedAt <= LIVE_MS;
  }

  /** The monotonic time up to which everything is known. */
  get confirmedAt(): number {
    return this.#confirmedAt;
  }

  /** Since when every change has been heard; undefined while none is. */
  get horizon(): Horizon | undefined {
    return this.#listening ? this.#horizon : undefined;
  }

  /** The database's clock as the newest beat has found it. */
  get newest(): Horizon | undefined {
    return this.#listening ? this.#newest : undefined;
  }

  /** Begins to listen; what goes wrong is tried again for as long as it takes. */
  start(): void {
    this.#stopped = false;
    void this.#connect();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    const client = this.#client;
    this.#client = undefined;
    this.#listening = false;
    await client?.end();
  }

  async #connect(): Promise<void> {
    let client: Client;
    try {
      // Reads the files that the URL names, which may be gone by now.
      client = createClient(this.#options.databaseUrl, {
        connectTimeoutMs: 3_000,
        statementTimeoutMs: 1_500,
        applicationName: 'fraiseql-auth feed',
      });
    } catch (error) {
      this.#tell(false, error);
      this.#connectLater();
      return;
    }
    this.#client = client;
    client.on('error', (error) => this.#lost(client, error));
    client.on('end', () => this.#lost(client, new Error('the connection ended')));
    client.on('notification', ({channel, payload}) => this.#hear(client, channel, payload ?? ''));
    try {
      await client.connect();
      await client.query(`LISTEN ${CHANNEL}; LISTEN ${this.#beatChannel}`);
      // From here on every change is heard; what was known before may lack some.
      const at = this.#options.clock.monotonic();
      const {rows} = await client.query<ClockRow>(`SELECT ${CLOCK}`);
      const [clock] = rows;
      if (this.#client !== client || clock === undefined) return;
      this.#options.onGap();
      this.#horizon = {server: clock.server, time: clock.read_at, at};
      this.#newest = this.#horizon;
      this.#listening = true;
      this.#confirmedAt = Number.NEGATIVE_INFINITY;
      this.#tick(client);
    } catch (error) {
      this.#lost(client, error);
    }
  }

  /** Sends a beat, or sees that the last one did not come back. */
  #tick(client: Client): void {
    if (this.#client !== client) return;
    const now = this.#options.clock.monotonic();
    if (this.#sentAt === undefined) {
      this.#sentAt = now;
      this.#beat++;
      void this.#send(client, now);
    } else if (now - this.#sentAt > SILENT_MS) {
      this.#lost(client, new Error(`no beat was heard for ${SILENT_MS} ms`));
      return;
    }
    if (!this.live) this.#tell(false, new Error('the beats come too late'));
    this.#timer = this.#options.clock.setTimeout(() => this.#tick(client), BEAT_MS);
  }

  /** It brings the database's clock along. */
  async #send(client: Client, at: number): Promise<void> {
    try {
      const {rows} = await client.query<ClockRow>(BEAT, [this.#beatChannel, String(this.#beat)]);
      const [clock] = rows;
      if (this.#client === client && clock !== undefined)
        this.#newest = {server: clock.server, time: clock.read_at, at};
    } catch (error) {
      this.#lost(client, error);
    }
  }

  #hear(client: Client, channel: string, payload: string): void {
    if (this.#client !== client) return;
    if (channel === CHANNEL) {
      if (payload === 'all') this.#options.onGap();
      else this.#options.onSession(payload);
    } else if (payload === String(this.#beat) && this.#sentAt !== undefined) {
      this.#options.onBeat(this.#options.clock.monotonic() - this.#sentAt);
      this.#confirmedAt = this.#sentAt;
      this.#sentAt = undefined;
      this.#backOffMs = RECONNECT_MS;
      if (this.live) this.#tell(true, undefined);
    }
  }

  #lost(client: Client, error: unknown): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    this.#listening = false;
    this.#sentAt = undefined;
    this.#timer?.cancel();
    this.#tell(false, error);
    // What went wrong is told already; a connection that is broken need not be ended well.
    client.end().catch(() => {});
    this.#connectLater();
  }

  #connectLater(): void {
    if (this.#stopped) return;
    this.#timer = this.#options.clock.setTimeout(
      () => void this.#connect(),
      this.#backOffMs * (0.5 + Math.random() / 2),
    );
    this.#backOffMs = Math.min(RECONNECT_MAX_MS, this.#backOffMs * 2);
  }

  #tell(live: boolean, error: unknown): void {
    if (this.#told === live) return;
    this.#told = live;
    this.#options.onChange(live, error);
  }
}
