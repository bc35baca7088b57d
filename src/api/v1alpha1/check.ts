import {isIP} from 'node:net';
import {z} from 'zod';
import {affinity} from './affinity.ts';
import {cronProblem} from './cron.ts';
import {type DefaultedSpec, NAME_RULE, specSchema} from './fraiseqlauth.ts';

/** One thing that is wrong with a resource. */
export interface FieldError {
  /** Where: `spec.providers[0].issuerURL`. */
  field: string;
  /** What is wrong and what to write instead. */
  message: string;
}

/** A spec that was read: with the defaults of the resource definition, or what is wrong with it. */
export type CheckedSpec =
  | {readonly errors: readonly []; readonly spec: DefaultedSpec}
  | {readonly errors: readonly FieldError[]; readonly spec: undefined};

/**
 * What is wrong with a resource, whatever it holds; empty where it is valid. It finds what the API server refuses too
 * (an older definition may have let it in) and what the API server cannot see: schedules that never run, time zones
 * that do not exist, URLs and addresses that only look right.
 */
export function checkSpec(resource: {metadata?: unknown; spec?: unknown}): FieldError[] {
  return [...checkedSpec(resource).errors];
}

/** The same, and the spec where nothing is wrong with it. */
export function checkedSpec(resource: {metadata?: unknown; spec?: unknown}): CheckedSpec {
  const {errors, spec} = parsed(resource);
  const found = spec === undefined ? errors : checkBeyondSchema(spec);
  return spec === undefined || found.length > 0 ? {errors: found, spec: undefined} : {errors: [], spec};
}

/** What the API server would refuse as well: the part of the check that stands in the resource definition. */
export function checkSchema(resource: {metadata?: unknown; spec?: unknown}): FieldError[] {
  return parsed(resource).errors;
}

const NAMED = z.object({metadata: z.object({name: z.string()})});
const AFFINITY = affinity.optional();

/** The spec, unless something is wrong with it or with the resource's name. */
function parsed(resource: {metadata?: unknown; spec?: unknown}): {
  errors: FieldError[];
  spec?: DefaultedSpec;
} {
  const errors: FieldError[] = [];
  const named = NAMED.safeParse(resource);
  if (named.success && !NAME_RULE.holds(named.data)) {
    errors.push({field: 'metadata.name', message: NAME_RULE.message});
  }
  if (resource.spec === undefined)
    return {errors: [...errors, {field: 'spec', message: 'spec is needed: write it'}]};
  const result = specSchema.safeParse(resource.spec, {reportInput: true});
  if (result.success) return errors.length > 0 ? {errors} : {errors, spec: result.data};
  return {errors: [...errors, ...fieldErrors(result.error, ['spec'])]};
}

function checkBeyondSchema(spec: DefaultedSpec): FieldError[] {
  const errors: FieldError[] = [];
  const add = (field: string, problem: string | undefined) => {
    if (problem !== undefined) errors.push({field, message: problem});
  };
  add('spec.publicURL', originProblem(spec.publicURL));
  spec.previousIssuers?.forEach((each, index) => add(`spec.previousIssuers[${index}]`, originProblem(each)));
  const logo = spec.branding?.logoURL;
  if (logo !== undefined && !logo.startsWith('data:')) add('spec.branding.logoURL', urlProblem(logo));
  spec.returnToOrigins?.forEach((each, index) => add(`spec.returnToOrigins[${index}]`, originProblem(each)));
  spec.providers.forEach((each, index) => {
    if (each.issuerURL !== undefined) add(`spec.providers[${index}].issuerURL`, urlProblem(each.issuerURL));
  });
  spec.trustedProxies?.forEach((each, index) => add(`spec.trustedProxies[${index}]`, networkProblem(each)));
  if (spec.backup && spec.backup.policy !== 'None') {
    add('spec.backup.schedule', cronProblem(spec.backup.schedule));
    add('spec.backup.timeZone', timeZoneProblem(spec.backup.timeZone));
    const endpoint = spec.backup.destination?.s3?.endpoint;
    if (endpoint !== undefined) add('spec.backup.destination.s3.endpoint', urlProblem(endpoint));
  }
  const known = AFFINITY.safeParse(spec.pod?.affinity, {reportInput: true});
  return known.success ? errors : [...errors, ...fieldErrors(known.error, ['spec', 'pod', 'affinity'])];
}

function fieldErrors({issues}: z.core.$ZodError, place: readonly PropertyKey[]): FieldError[] {
  return issues.flatMap((issue) => {
    const path = [...place, ...issue.path];
    const paths = issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...path, key]) : [path];
    return paths.map((each) => ({field: fieldPath(each), message: issueMessage(issue)}));
  });
}

function urlProblem(text: string): string | undefined {
  const url = URL.parse(text);
  if (!url)
    return 'is not a URL: check the host and that the port is at most 65535, as in https://api.example.com';
  return undefined;
}

/** An origin is compared as a text, and browsers and the server have one spelling for each. */
function originProblem(text: string): string | undefined {
  const problem = urlProblem(text);
  const spelled = URL.parse(text)?.origin;
  return problem ?? (spelled === text ? undefined : `is spelled ${spelled} by browsers: write it so`);
}

function networkProblem(text: string): string | undefined {
  const [address = '', length] = text.split('/');
  const family = isIP(address);
  const longest = family === 4 ? 32 : 128;
  if (family !== 0 && (length === undefined || Number(length) <= longest)) return undefined;
  return `is neither an address nor a network: write for example 10.0.0.0/8 or 2001:db8::/32`;
}

/** The zones' names by their lower case; to ask for them takes long. */
let zones: ReadonlyMap<string, string> | undefined;
/** And to try one takes a millisecond; these are known to be good. */
const goodZones = new Set<string>();
const MAX_GOOD = 1000;

/** Kubernetes takes a zone's name only as the IANA database spells it. */
export function timeZoneProblem(zone: string): string | undefined {
  if (goodZones.has(zone)) return undefined;
  const remedy = 'write one of the IANA database, for example Etc/UTC or Europe/Paris';
  try {
    Intl.DateTimeFormat('en', {timeZone: zone});
  } catch (error) {
    if (error instanceof RangeError) return `there is no time zone ${zone}: ${remedy}`;
    throw error;
  }
  zones ??= new Map(Intl.supportedValuesOf('timeZone').map((each) => [each.toLowerCase(), each]));
  const spelled = zones.get(zone.toLowerCase());
  if (spelled !== undefined && spelled !== zone) return `is spelled ${spelled}: ${remedy}`;
  if (goodZones.size < MAX_GOOD) goodZones.add(zone);
  return undefined;
}

/** `spec.providers[0].name` */
function fieldPath(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) =>
      typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${String(part)}`,
    )
    .join('');
}

/** Words of ours in place of the schema library's, where those would not help a person. */
function issueMessage(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') {
    return issue.input === undefined
      ? 'is needed: write it'
      : `must be ${article(issue.expected)}, but is ${article(typeName(issue.input))}`;
  }
  if (issue.code === 'invalid_value') {
    return issue.input === undefined
      ? `is needed: write one of ${issue.values.map(String).join(', ')}`
      : `must be one of ${issue.values.map(String).join(', ')}`;
  }
  if (issue.code === 'too_big') return `must be at most ${issue.maximum}${unit(issue.origin)}`;
  if (issue.code === 'too_small') return `must be at least ${issue.minimum}${unit(issue.origin)}`;
  return issue.message;
}

function unit(origin: string): string {
  if (origin === 'string') return ' characters long';
  return origin === 'array' ? ' items long' : '';
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

function article(type: string): string {
  return type === 'null' ? type : `${/^[aeiou]/.test(type) ? 'an' : 'a'} ${type}`;
}
