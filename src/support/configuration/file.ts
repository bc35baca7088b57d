import {dirname, resolve} from 'node:path';
import {parse, YAMLParseError} from 'yaml';
import {z} from 'zod';
import {brandingSchema} from './branding.ts';
import {ALGORITHMS} from './configuration.ts';
import type {Findings} from './problems.ts';
import {rateLimitsSchema} from './rate-limits.ts';
import type {Sources} from './sources.ts';
import {audiencesSchema, hostSchema, issuerSchema, originSchema, urlSchema} from './variables.ts';

const name = z
  .string()
  .regex(
    /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
    'must be lower-case letters, digits and hyphens, 63 at most',
  );

const providerSchema = z.strictObject({
  name,
  type: z.string(),
  displayName: z.string().min(1).max(100).optional(),
  issuerUrl: issuerSchema.optional(),
  discoveryUrl: urlSchema.optional(),
  clientId: z.string().min(1).optional(),
  clientIdFile: z.string().min(1).optional(),
  clientSecretFile: z.string().min(1).optional(),
  scopes: z.array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'must be scope names')).optional(),
  allowedEmailDomains: z
    .array(z.string().regex(/^[^@\s]+\.[^@\s]+$/, 'must be a domain such as example.com'))
    .optional(),
  callback: z.enum(['Shared', 'Own'], 'must be Shared or Own').default('Shared'),
  rpInitiatedLogout: z.enum(['Enabled', 'Disabled'], 'must be Enabled or Disabled').default('Enabled'),
});
export type FileProvider = z.infer<typeof providerSchema>;

const signingKeySchema = z.strictObject({
  // YAML reads an unquoted 202611 as a number.
  kid: z.union([z.string().min(1).max(200), z.number().transform(String)]).optional(),
  algorithm: z.enum(ALGORITHMS, `must be one of ${ALGORITHMS.join(', ')}`).optional(),
  file: z.string().min(1),
  use: z.enum(['sign', 'verify'], 'must be sign or verify').default('sign'),
});
export type FileSigningKey = z.infer<typeof signingKeySchema>;

const fileSchema = z.strictObject({
  issuer: issuerSchema.optional(),
  previousIssuers: z.array(issuerSchema).optional(),
  redirectUri: urlSchema.optional(),
  audience: audiencesSchema.optional(),
  providers: z.array(providerSchema).optional(),
  signingKeys: z.array(signingKeySchema).optional(),
  signingKeysFile: z.string().min(1).optional(),
  allowedHosts: z.array(hostSchema).optional(),
  returnToOrigins: z.array(originSchema).optional(),
  rateLimits: rateLimitsSchema.optional(),
  branding: brandingSchema.optional(),
});
type ConfigurationFile = z.infer<typeof fileSchema>;

/** What signingKeysFile names. */
const keyListSchema = z.strictObject({signingKeys: z.array(signingKeySchema).min(1)});

interface Reading {
  readonly file: ConfigurationFile;
  /** What may stand in a file whose problems are noted; undefined where all was read. */
  readonly unread: 'everything' | 'signing keys' | undefined;
}

/** What AUTH_CONFIG_FILE holds; empty where the variable is not set or the file has problems, which are then noted. */
export function readConfigurationFile(sources: Sources, findings: Findings): Reading {
  const path = sources.variable('AUTH_CONFIG_FILE');
  if (path === undefined) return {file: {}, unread: undefined};
  const file = readYaml('AUTH_CONFIG_FILE', path, fileSchema, sources, findings);
  if (file === undefined) return {file: {}, unread: 'everything'};
  if (file.signingKeysFile === undefined) return {file, unread: undefined};
  if (file.signingKeys !== undefined)
    findings.problem('AUTH_CONFIG_FILE signingKeysFile', 'is set beside signingKeys; keep one of the two');
  const name = 'AUTH_CONFIG_FILE signingKeysFile';
  const list = readYaml(name, file.signingKeysFile, keyListSchema, sources, findings);
  if (list === undefined) return {file, unread: 'signing keys'};
  // Keys stand beside their list, so that one swap of a mounted volume changes both.
  const folder = dirname(file.signingKeysFile);
  const signingKeys = list.signingKeys.map((key) => ({...key, file: resolve(folder, key.file)}));
  return {file: {...file, signingKeys}, unread: undefined};
}

function readYaml<S extends z.ZodType>(
  name: string,
  path: string,
  schema: S,
  sources: Sources,
  findings: Findings,
): z.output<S> | undefined {
  const text = sources.file(name, path);
  if (text === undefined) return undefined;
  let content: unknown;
  try {
    content = parse(text);
  } catch (error) {
    // The text of other errors may quote the file.
    const [where] = error instanceof YAMLParseError ? (error.linePos ?? []) : [];
    const why = where
      ? ` (line ${where.line}, column ${where.col})`
      : error instanceof ReferenceError
        ? ': an alias (*name) has no anchor (&name) before it, or there are too many'
        : '';
    findings.problem(name, `is not YAML${why}`);
    return undefined;
  }
  const result = schema.safeParse(content ?? {});
  if (result.success) return result.data;
  for (const issue of result.error.issues) {
    const where = issue.path
      .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
      .join('');
    findings.problem(`${name} ${where === '' ? 'itself' : where.replace(/^\./, '')}`, describe(issue));
  }
  return undefined;
}

function describe(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys')
    return `has no setting ${issue.keys.map((key) => `"${key}"`).join(', ')}; secrets are named by file, as in clientSecretFile`;
  return issue.message;
}
