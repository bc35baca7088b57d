// Writes what is generated; with --check it writes nothing and fails where a file differs from what it would write.
import {mkdir, readFile, writeFile} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {customResourceDefinition} from '../src/api/crd/definition.ts';
import packageJson from '../package.json' with {type: 'json'};
import {chartYaml, definitionTemplate, rulesTemplate} from './generate/chart.ts';
import {conformancePage} from './generate/conformance/page.ts';
import {CLUSTER_RBAC, NAMESPACED_RBAC} from './generate/rbac.ts';
import {referencePage} from './generate/reference.ts';
import {yamlFile} from './generate/yaml.ts';

const ROOT = join(import.meta.dirname, '..');
const CHART = 'charts/fraiseql-auth-operator';

const definition = customResourceDefinition();
const schema = definition.spec.versions[0]?.schema.openAPIV3Schema.properties;
if (!schema) throw new Error('the resource definition has no version');

const files: Record<string, string> = {
  [`crds/${definition.metadata.name}.yaml`]: yamlFile(definition),
  'config/rbac/cluster/rbac.yaml': yamlFile(...CLUSTER_RBAC),
  'config/rbac/namespaced/rbac.yaml': yamlFile(...NAMESPACED_RBAC),
  [`${CHART}/Chart.yaml`]: chartYaml(packageJson.version),
  [`${CHART}/templates/_rules.tpl`]: rulesTemplate(),
  [`${CHART}/templates/crds.yaml`]: definitionTemplate(definition),
  'docs/reference/conformance.md': await conformancePage(ROOT),
  'docs/reference/fraiseqlauth.md': referencePage(schema.spec, schema.status),
};

const check = process.argv.includes('--check');
const different: string[] = [];
for (const [path, content] of Object.entries(files)) {
  const whole = join(ROOT, path);
  const there = await readFile(whole, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (there === content) continue;
  different.push(path);
  if (check) continue;
  await mkdir(dirname(whole), {recursive: true});
  await writeFile(whole, content);
}

if (check && different.length > 0) {
  console.error(
    `These differ from what they are made of; run \`make generate\`:\n  ${different.join('\n  ')}`,
  );
  process.exitCode = 1;
} else {
  console.log(
    different.length === 0
      ? `${Object.keys(files).length} generated files are up to date`
      : `wrote ${different.join(', ')}`,
  );
}
