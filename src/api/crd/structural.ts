import {z} from 'zod';

/** A JSON schema, or a part of one. */
export interface Schema {
  [keyword: string]: unknown;
}

/** What may stand in a structural schema. All else fails the build. */
const KEYWORDS = new Set([
  'type',
  'format',
  'description',
  'default',
  'enum',
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'maxProperties',
  'properties',
  'required',
  'items',
  'additionalProperties',
  'x-kubernetes-validations',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-int-or-string',
  'x-kubernetes-preserve-unknown-fields',
]);
const INT32_MAX = 2_147_483_647;

/**
 * The structural schema of a zod schema, as a resource definition takes it. Throws with every place that cannot be
 * said in one, or that has no bound, without which the API server's cost estimate refuses the definition.
 */
export function structuralSchema(schema: z.ZodType, root: string): Schema {
  const {$schema: _, ...json} = z.toJSONSchema(schema, {target: 'openapi-3.0', io: 'input'}) as Schema;
  const problems: string[] = [];
  const rewritten = rewrite(json, root, problems);
  if (problems.length > 0) throw new Error(`not a structural schema:\n${problems.join('\n')}`);
  return rewritten;
}

function rewrite(source: Schema, path: string, problems: string[]): Schema {
  const schema = {...source};
  if (schema['x-kubernetes-int-or-string'] === true) return intOrString(schema, path, problems);
  if (schema['x-kubernetes-preserve-unknown-fields'] === true || schema['additionalProperties'] === false) {
    delete schema['additionalProperties'];
  }
  delete schema['propertyNames'];
  if (schema['type'] === 'integer') integer(schema);
  if (schema['properties'] !== undefined) {
    schema['properties'] = Object.fromEntries(
      Object.entries(schema['properties'] as Record<string, Schema>).map(([name, each]) => [
        name,
        rewrite(each, `${path}.${name}`, problems),
      ]),
    );
  }
  for (const [keyword, suffix] of [
    ['items', '[]'],
    ['additionalProperties', '{}'],
  ] as const) {
    const inner = schema[keyword];
    if (inner !== undefined) schema[keyword] = rewrite(inner as Schema, `${path}${suffix}`, problems);
  }
  if (schema['default'] !== undefined) schema['default'] = filled(schema['default'], schema);
  check(schema, path, problems);
  return ordered(schema);
}

/** A default with the defaults below it: the API server checks it by the rules before it would fill them in. */
function filled(value: unknown, schema: Schema): unknown {
  if (schema['type'] !== 'object' || value === null || typeof value !== 'object') return value;
  const result: Schema = {...value};
  for (const [name, each] of Object.entries((schema['properties'] ?? {}) as Record<string, Schema>)) {
    result[name] ??= each['default'];
    if (result[name] === undefined) delete result[name];
  }
  return result;
}

/** An amount may be a number or a string: the extension alone says so, and a bound for the string. */
function intOrString(schema: Schema, path: string, problems: string[]): Schema {
  const {anyOf, type: _, ...rest} = schema;
  const text = (anyOf as Schema[] | undefined)?.find((each) => each['type'] === 'string');
  const rewritten = {...rest, maxLength: text?.['maxLength']};
  if (rewritten.maxLength === undefined) problems.push(`${path}: the string has no maxLength`);
  check({...rewritten, type: 'int-or-string'}, path, problems);
  return ordered(rewritten);
}

function integer(schema: Schema): void {
  if (schema['maximum'] === Number.MAX_SAFE_INTEGER) delete schema['maximum'];
  if (schema['minimum'] === Number.MIN_SAFE_INTEGER) delete schema['minimum'];
  const most = schema['maximum'];
  schema['format'] ??= typeof most === 'number' && most <= INT32_MAX ? 'int32' : 'int64';
}

function check(schema: Schema, path: string, problems: string[]): void {
  for (const keyword of Object.keys(schema)) {
    if (!KEYWORDS.has(keyword)) problems.push(`${path}: ${keyword} cannot stand in a structural schema`);
  }
  if (schema['type'] === undefined) problems.push(`${path}: has no type`);
  const needs = bound(schema);
  if (needs !== undefined && schema[needs] === undefined) problems.push(`${path}: has no ${needs}`);
  if (schema['type'] === 'array' && schema['x-kubernetes-list-type'] === undefined) {
    problems.push(`${path}: has no x-kubernetes-list-type`);
  }
}

function bound(schema: Schema): string | undefined {
  if (schema['type'] === 'string') return schema['enum'] === undefined ? 'maxLength' : undefined;
  if (schema['type'] === 'array') return 'maxItems';
  if (schema['additionalProperties'] !== undefined) return 'maxProperties';
  return undefined;
}

/** In the order of the keyword list, so that a person finds the description on top. */
function ordered(schema: Schema): Schema {
  const rank = [...KEYWORDS];
  return Object.fromEntries(Object.entries(schema).sort(([a], [b]) => rank.indexOf(a) - rank.indexOf(b)));
}
