import {describe, expect, it} from 'vitest';
import {framed, verification} from '../../../src/backup/restore-script.ts';

const HEAD = 'SET statement_timeout = 0;\nSET transaction_timeout = 0;\nCREATE SCHEMA _system;\n';
const TABLE =
  'CREATE TABLE _system.sessions ();\nCOPY x FROM stdin;\nCREATE SCHEMA _system;\nSET transaction_timeout = 0;\n\\.\n';

async function script(
  dump: string,
  options: {serverMajor: number; hasSchema: boolean},
  chunkSize = 1_000_000,
): Promise<string> {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    const bytes = Buffer.from(dump);
    for (let at = 0; at < bytes.length; at += chunkSize) yield bytes.subarray(at, at + chunkSize);
  }
  const parts: Uint8Array[] = [];
  for await (const part of framed(chunks(), {...options, opening: '-- opening', closing: '-- closing'}))
    parts.push(part);
  return Buffer.concat(parts).toString();
}

describe('framed', () => {
  it('is one transaction whose COMMIT comes last', async () => {
    const text = await script(HEAD + TABLE, {serverMajor: 17, hasSchema: false});
    expect(text).toBe(`BEGIN;\n-- opening\n${HEAD}${TABLE}\n-- closing\nCOMMIT;\n`);
  });

  it('leaves out of the head what an older server does not know, and never touches data', async () => {
    const text = await script(HEAD + TABLE, {serverMajor: 16, hasSchema: false});
    expect(text).toBe(
      `BEGIN;\n-- opening\nSET statement_timeout = 0;\nCREATE SCHEMA _system;\n${TABLE}\n-- closing\nCOMMIT;\n`,
    );
  });

  it('leaves out the making of a schema that is there', async () => {
    const text = await script(HEAD + TABLE, {serverMajor: 17, hasSchema: true}, 7);
    expect(text).toContain(`SET transaction_timeout = 0;\n${TABLE}`);
  });

  it('leaves out what extensions say of themselves, and nothing else that is said', async () => {
    const app = "COMMENT ON SCHEMA app IS 'Ours';\n";
    const extension = "COMMENT ON EXTENSION pgcrypto IS 'what it''s for';\n";
    const text = await script(`${HEAD}${extension}${app}${TABLE}${extension}`, {
      serverMajor: 17,
      hasSchema: false,
    });
    expect(text).toBe(`BEGIN;\n-- opening\n${HEAD}${app}${TABLE}${extension}\n-- closing\nCOMMIT;\n`);
  });

  it('keeps every byte of a long dump, however it is cut', async () => {
    const long = `${TABLE}${'é€😀\n'.repeat(40_000)}`;
    for (const size of [1_021, 65_536, 10_000_000]) {
      const text = await script(HEAD + long, {serverMajor: 14, hasSchema: true}, size);
      expect(text).toBe(`BEGIN;\n-- opening\nSET statement_timeout = 0;\n${long}\n-- closing\nCOMMIT;\n`);
    }
  });

  it('has no COMMIT where the dump breaks off', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from(HEAD);
      throw new Error('broke off');
    }
    const seen: string[] = [];
    const reading = async (): Promise<void> => {
      for await (const part of framed(broken(), {
        serverMajor: 17,
        hasSchema: false,
        opening: '',
        closing: '',
      })) {
        seen.push(Buffer.from(part).toString());
      }
    };
    await expect(reading()).rejects.toThrow('broke off');
    expect(seen.join('')).not.toContain('COMMIT');
  });
});

describe('verification', () => {
  it('counts every table', () => {
    const sql = verification({rowCounts: {sessions: 3, session_details: 2}});
    expect(sql).toContain('FROM _system."sessions"');
    expect(sql).toContain('IF found <> 2');
  });

  it('takes a name for no more than that', () => {
    const sql = verification({rowCounts: {[`x"; DROP TABLE y; --'$$`]: 3}});
    expect(sql).toContain(`FROM _system."x""; DROP TABLE y; --''$$";`);
    expect(sql).toMatch(/^DO '[^]*';$/);
    expect(sql.slice(4, -2).replaceAll("''", '')).not.toContain("'");
  });
});
