import {existsSync} from 'node:fs';
import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {expect, test} from 'vitest';

test('the map for contributors names no place that is not there, and each room', async () => {
  const page = await readFile('docs/contributing.md', 'utf8');
  const named = [...page.matchAll(/`((?:src|test|scripts|config)\/[\w./-]*)`/g)].map(([, path = '']) => path);
  const linked = [...page.matchAll(/\]\(([^)#]+)\)/g)].map(([, path = '']) => join('docs', path));
  expect(named.length).toBeGreaterThan(25);
  expect([...named, ...linked].filter((path) => !existsSync(path))).toEqual([]);
  const config = await readFile('.dependency-cruiser.mjs', 'utf8');
  const rooms = new Set([...config.matchAll(/'\^(src\/[a-z]+\/)/g)].map(([, room = '']) => room));
  expect(rooms.size).toBeGreaterThan(7);
  expect([...rooms].filter((room) => !page.includes(`\`${room}\``))).toEqual([]);
});
