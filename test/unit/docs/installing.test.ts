import {readFile} from 'node:fs/promises';
import {expect, test} from 'vitest';
import {parse} from 'yaml';

const ownVariables = async (): Promise<string[]> => {
  const source = await readFile('src/operator/configuration.ts', 'utf8');
  const named = [...source.matchAll(/\b(?:text|port|flag)\('([A-Z_]+)'/g)].map(([, name = '']) => name);
  return [...new Set([...named, 'LOG_LEVEL'])];
};

test('the page on installing names every variable that the operator reads', async () => {
  const page = await readFile('docs/installing.md', 'utf8');
  const variables = await ownVariables();
  expect(variables.length).toBeGreaterThan(8);
  expect(variables.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});

test('an installation sets every one of them, and no other', async () => {
  const {spec} = parse(await readFile('config/manager/deployment.yaml', 'utf8')) as {
    spec: {template: {spec: {containers: {env: {name: string}[]}[]}}};
  };
  const set = spec.template.spec.containers[0]?.env.map(({name}) => name) ?? [];
  expect(set.toSorted()).toEqual((await ownVariables()).toSorted());
});
