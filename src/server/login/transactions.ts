import type {LoginSettings} from '../../support/configuration/configuration.ts';
import type {Database, Statement} from '../database.ts';
import {hashOf, newSecret, seal, unseal} from '../sessions/secrets.ts';

// A login under way, in PostgreSQL, so that its callback may reach any replica. Of the state only the hash is stored,
// and the verifier and nonce are sealed to the state (and to STATE_KEY): a copy of the table completes no login.

/** $1 state hash, $2 provider, $3 sealed secrets, $4 binding hash, $5 return_to, $6 lifetime in seconds. */
const BEGIN: Statement = {
  name: 'login-begin',
  urgency: 'login',
  text: `
    INSERT INTO _system.login_transactions
      (state_hash, provider, code_verifier_sealed, binding_hash, return_to, expires_at)
    VALUES ($1, $2, $3::bytea, $4, $5, now() + make_interval(secs => $6::float8))`,
};

/** $1 state hash, $2 binding hash. The row can be had once, and only by the browser that it is bound to. */
const CONSUME: Statement = {
  name: 'login-consume',
  urgency: 'login',
  text: `
    DELETE FROM _system.login_transactions
    WHERE state_hash = $1 AND (binding_hash IS NULL OR binding_hash = $2)
    RETURNING provider, code_verifier_sealed, return_to, expires_at > now() AS live`,
};

/** What is remembered of a login until its callback. */
export interface LoginTransaction {
  readonly provider: string;
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  readonly returnTo: string | undefined;
}

/** The transaction, or why there is none: `sealed` where it cannot be opened. */
export type Consumed =
  | {readonly ok: true; readonly transaction: LoginTransaction}
  | {readonly ok: false; readonly why: 'unknown' | 'expired' | 'sealed'};

const PURPOSE = 'login transaction';

/** The logins under way. */
export class LoginTransactions {
  readonly #database: Database;
  readonly #settings: LoginSettings;

  constructor(database: Database, settings: LoginSettings) {
    this.#database = database;
    this.#settings = settings;
  }

  /**
   * Begins one. `binding` is what the browser's cookie must hold at the callback; undefined where LOGIN_BINDING is
   * None. The PKCE verifier has 256 bits of entropy (RFC 7636, section 7.1).
   */
  async begin(
    provider: string,
    returnTo: string | undefined,
  ): Promise<{transaction: LoginTransaction; binding: string | undefined}> {
    const transaction = {provider, returnTo, state: newSecret(), nonce: newSecret(), verifier: newSecret()};
    const binding = this.#settings.binding === 'Cookie' ? newSecret() : undefined;
    const {state, nonce, verifier} = transaction;
    await this.#database.query(BEGIN, [
      hashOf(state),
      provider,
      seal(JSON.stringify({nonce, verifier}), state, PURPOSE, this.#settings.stateKey),
      binding === undefined ? null : hashOf(binding),
      returnTo ?? null,
      this.#settings.lifetimeSeconds,
    ]);
    return {transaction, binding};
  }

  /** Takes the transaction of that state, once, whatever comes of it. */
  async consume(state: string, binding: string | undefined): Promise<Consumed> {
    const [row] = await this.#database.query<TransactionRow>(CONSUME, [
      hashOf(state),
      binding === undefined ? null : hashOf(binding),
    ]);
    if (!row) return {ok: false, why: 'unknown'};
    if (!row.live) return {ok: false, why: 'expired'};
    const opened = unseal(row.code_verifier_sealed, state, PURPOSE, this.#settings.stateKey);
    if (opened === undefined) return {ok: false, why: 'sealed'};
    const secrets = JSON.parse(opened) as {nonce: string; verifier: string};
    return {
      ok: true,
      transaction: {...secrets, state, provider: row.provider, returnTo: row.return_to ?? undefined},
    };
  }
}

interface TransactionRow {
  readonly provider: string;
  readonly code_verifier_sealed: Buffer;
  readonly return_to: string | null;
  readonly live: boolean;
}
