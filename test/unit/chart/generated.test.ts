import {execFile} from 'node:child_process';
import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {promisify} from 'node:util';
import {expect, test} from 'vitest';
import {parse, parseAllDocuments} from 'yaml';

const ROOT = join(import.meta.dirname, '../../..');
const read = (path: string) => readFile(join(ROOT, path), 'utf8');

test('what is generated is what stands in the tree', async () => {
  const {stdout} = await promisify(execFile)(process.execPath, ['scripts/generate.ts', '--check'], {
    cwd: ROOT,
  });
  expect(stdout).toContain('up to date');
});

interface Rule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
}

test('no role has a wildcard, and none may read more than it needs', async () => {
  for (const variant of ['cluster', 'namespaced']) {
    const documents = parseAllDocuments(await read(`config/rbac/${variant}/rbac.yaml`));
    const rules = documents.flatMap((each) => (each.toJS() as {rules?: Rule[]} | null)?.rules ?? []);
    expect(rules.length).toBeGreaterThan(5);
    for (const rule of rules) {
      expect([...rule.apiGroups, ...rule.resources, ...rule.verbs]).not.toContain('*');
    }
    const secrets = rules.find(({resources}) => resources.includes('secrets'));
    expect(secrets?.verbs).not.toContain('delete');
    const claims = rules.filter(({resources}) => resources.includes('persistentvolumeclaims'));
    expect(claims.flatMap(({verbs}) => verbs)).toEqual(['get']);
    expect(
      rules.some(({resources}) => resources.some((each) => /escalate|roles|exec|nodes/.test(each))),
    ).toBe(false);
  }
});

test("the operator's Deployment meets the restricted standard", async () => {
  const {spec} = parse(await read('config/manager/deployment.yaml')) as {
    spec: {template: {spec: {containers: object[]; securityContext: object}}};
  };
  const pod = spec.template.spec;
  expect(pod.securityContext).toMatchObject({runAsNonRoot: true, seccompProfile: {type: 'RuntimeDefault'}});
  expect(pod.containers).toEqual([
    expect.objectContaining({
      securityContext: {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: {drop: ['ALL']},
      },
    }),
  ]);
});
