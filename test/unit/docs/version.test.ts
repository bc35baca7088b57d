import {readFile} from 'node:fs/promises';
import {expect, test} from 'vitest';

test('an image that is built with no other word has the version of the program', async () => {
  const {version} = JSON.parse(await readFile('package.json', 'utf8')) as {version: string};
  const dockerfile = await readFile('Dockerfile', 'utf8');
  // Each stage that names the argument gets the one before the first of them.
  expect([...dockerfile.matchAll(/^ARG VERSION.*$/gm)].map(([line]) => line)).toEqual([
    `ARG VERSION=${version}`,
    'ARG VERSION',
    'ARG VERSION',
  ]);
  expect(dockerfile.indexOf('ARG VERSION=')).toBeLessThan(dockerfile.indexOf('FROM '));
});
