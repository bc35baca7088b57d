import type {Adapter, AdapterPayload} from 'oidc-provider';
import type {Pool} from 'pg';

/** What oidc-provider keeps in PostgreSQL, in one table as its documentation advises, by primary key. */
export const SCHEMA = `
  CREATE TABLE IF NOT EXISTS oidc_models (
    model TEXT NOT NULL,
    id TEXT NOT NULL,
    payload JSONB NOT NULL,
    grant_id TEXT,
    uid TEXT,
    user_code TEXT,
    expires_at TIMESTAMPTZ,
    consumed_at TIMESTAMPTZ,
    PRIMARY KEY (model, id)
  );
  CREATE INDEX IF NOT EXISTS oidc_models_grant ON oidc_models (grant_id) WHERE grant_id IS NOT NULL;
  CREATE INDEX IF NOT EXISTS oidc_models_uid ON oidc_models (model, uid) WHERE uid IS NOT NULL;
  CREATE INDEX IF NOT EXISTS oidc_models_user_code ON oidc_models (model, user_code) WHERE user_code IS NOT NULL;`;

interface Row {
  readonly payload: AdapterPayload;
  readonly consumed_at: number | null;
}

const FOUND = `SELECT payload, extract(epoch FROM consumed_at)::float8 AS consumed_at FROM oidc_models
  WHERE model = $1 AND (expires_at IS NULL OR expires_at > now())`;

/** An adapter for oidc-provider: a statement each, prepared once a connection, and nothing read that is not asked for. */
export function postgresAdapter(pool: Pool): (model: string) => Adapter {
  return (model) => {
    const find = async (
      name: string,
      condition: string,
      value: string,
    ): Promise<AdapterPayload | undefined> => {
      const {rows} = await pool.query<Row>({
        name: `oidc-find-${name}`,
        text: `${FOUND} AND ${condition}`,
        values: [model, value],
      });
      const [row] = rows;
      if (!row) return undefined;
      return row.consumed_at === null ? row.payload : {...row.payload, consumed: Math.floor(row.consumed_at)};
    };
    return {
      async upsert(id, payload, expiresIn) {
        await pool.query({
          name: 'oidc-upsert',
          text: `INSERT INTO oidc_models (model, id, payload, grant_id, uid, user_code, expires_at)
            VALUES ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7::float8))
            ON CONFLICT (model, id) DO UPDATE SET payload = excluded.payload, expires_at = excluded.expires_at`,
          values: [
            model,
            id,
            JSON.stringify(payload),
            payload.grantId ?? null,
            payload.uid ?? null,
            payload.userCode ?? null,
            expiresIn,
          ],
        });
      },
      find: (id) => find('id', 'id = $2', id),
      findByUid: (uid) => find('uid', 'uid = $2', uid),
      findByUserCode: (code) => find('user-code', 'user_code = $2', code),
      async consume(id) {
        await pool.query({
          name: 'oidc-consume',
          text: 'UPDATE oidc_models SET consumed_at = now() WHERE model = $1 AND id = $2',
          values: [model, id],
        });
      },
      async destroy(id) {
        await pool.query({
          name: 'oidc-destroy',
          text: 'DELETE FROM oidc_models WHERE model = $1 AND id = $2',
          values: [model, id],
        });
      },
      async revokeByGrantId(grantId) {
        await pool.query({
          name: 'oidc-revoke',
          text: 'DELETE FROM oidc_models WHERE grant_id = $1',
          values: [grantId],
        });
      },
    };
  };
}
