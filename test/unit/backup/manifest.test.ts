import * as fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {
  dataName,
  manifestName,
  nameFrom,
  newName,
  ownObject,
  parseManifest,
} from '../../../src/backup/manifest.ts';

const NOW = Date.UTC(2026, 0, 21, 2, 0, 0);
const manifest = {
  version: 1,
  name: 'prod_20260121_020000_0a1b2c3d',
  instance: 'prod',
  startedAt: '2026-01-21T02:00:00.000Z',
  completedAt: '2026-01-21T02:00:01.000Z',
  sizeBytes: 10,
  sha256: 'a'.repeat(64),
  format: 'plain',
  compression: 'gzip',
  schemaVersion: '4',
  serverVersion: '15.18',
  pgDumpVersion: '15.18',
  programVersion: '0.1.0',
  rowCounts: {sessions: 3},
};

describe('names', () => {
  it('hold the instance and the time in UTC, and differ within one second', () => {
    const [one, two] = [newName('auth-prod', NOW), newName('auth-prod', NOW)];
    expect(one).toMatch(/^auth-prod_20260121_020000_[0-9a-f]{8}$/);
    expect(one).not.toBe(two);
  });

  it('are known again', () => {
    const name = newName('auth-prod', NOW);
    expect(ownObject('auth-prod', dataName(name))).toEqual({name, kind: 'data'});
    expect(ownObject('auth-prod', manifestName(name))).toEqual({name, kind: 'manifest'});
  });

  it.each([
    'prod-eu_20260121_020000_0a1b2c3d.sql.gz',
    'prod_20260121_020000.sql.gz',
    'prod_20260121_020000_0a1b2c3d.sql.gz.partial',
    'prod_20260121_020000_0a1b2c3d.sql',
    'xprod_20260121_020000_0a1b2c3d.sql.gz',
    'prod_report.sql.gz',
    'prod_',
  ])('%s is not of the instance prod', (object) => {
    expect(ownObject('prod', object)).toBeUndefined();
  });

  it('of one instance are never those of another', () => {
    const prefix = fc.stringMatching(/^[a-z0-9]([a-z0-9.-]{0,20}[a-z0-9])?$/);
    fc.assert(
      fc.property(prefix, prefix, (mine, theirs) => {
        fc.pre(mine !== theirs);
        expect(ownObject(mine, dataName(newName(theirs, NOW)))).toBeUndefined();
      }),
    );
  });

  it('may be given with an ending, or as a location', () => {
    const {name} = manifest;
    for (const text of [name, `${name}.sql.gz`, `${name}.manifest.json`, `s3://b/x/${name}.sql.gz`]) {
      expect(nameFrom(text)).toBe(name);
    }
  });
});

describe('parseManifest', () => {
  it('reads what was written', () => {
    expect(parseManifest(manifest.name, JSON.stringify(manifest))).toEqual(manifest);
  });

  it('tells one of a later version apart from one that is damaged, whatever else stands in it', () => {
    const later = {version: 2, programVersion: '2.3.0', name: manifest.name, format: 'directory'};
    expect(() => parseManifest(manifest.name, JSON.stringify(later))).toThrow(
      expect.objectContaining({
        reason: 'BackupTooNew',
        message: `backup ${manifest.name} was made by a newer version, 2.3.0`,
      }),
    );
  });

  it.each([
    ['{', 'not JSON'],
    [JSON.stringify({...manifest, sha256: 'abc'}), 'sha256'],
    [JSON.stringify({...manifest, version: 0}), 'version'],
    [JSON.stringify({...manifest, rowCounts: {sessions: -1}}), 'rowCounts'],
    [JSON.stringify({...manifest, name: 'other'}), 'other'],
  ])('refuses %s', (text, word) => {
    expect(() => parseManifest(manifest.name, text)).toThrow(word);
  });
});
