import {isCertificate} from '../certificate.ts';
import {LOG_LEVEL_PROBLEM, logLevelFrom, logLevelVariable} from '../logging.ts';
import type {Configuration, IntrospectionClient, ProviderSettings, ProviderType} from './configuration.ts';
import {readConfigurationFile} from './file.ts';
import type {Fingerprint} from './fingerprint.ts';
import {named, previousIssuers, readIssuer, readRedirectUri} from './own-urls.ts';
import {ConfigurationError, Findings} from './problems.ts';
import {readProviders} from './providers.ts';
import {readRateLimits} from './rate-limits.ts';
import {readRedis} from './redis.ts';
import {readSigningKeys} from './signing-keys.ts';
import {Sources} from './sources.ts';
import {readTlsPair, type TlsFiles} from './tls.ts';
import {withoutSlash} from './urls.ts';
import {variablesSchema, type Variables} from './variables.ts';

export interface LoadOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly development: boolean;
  /** Loaded again beside a server that runs: its certificate, which it reloads by itself, keeps nothing else from it. */
  readonly again?: boolean;
  readonly providerTypes: readonly ProviderType[];
  /** What is wrong with a DATABASE_URL and its authority, without quoting it; undefined where nothing is. */
  readonly databaseUrlProblem: (url: string, caFile?: string) => string | undefined;
}

/**
 * Reads and checks everything. Throws ConfigurationError with every problem at once; no problem quotes a value that
 * could be a secret.
 */
export function loadConfiguration(options: LoadOptions): {configuration: Configuration; files: Fingerprint} {
  const findings = new Findings();
  const sources = new Sources(options.env, findings);
  const {file, unread} = readConfigurationFile(sources, findings);
  const variables = readVariables(sources, findings);
  const logLevel = logLevelFrom(options.env);
  if (logLevel === undefined) findings.problem(logLevelVariable(options.env), LOG_LEVEL_PROBLEM);

  const development = options.development;
  const host = variables.SERVER_HOST ?? (development ? '127.0.0.1' : '0.0.0.0');
  const database = readDatabase(options, sources, findings);
  const problemsBefore = findings.problems.length;
  const providers = readProviders(
    options.providerTypes,
    file.providers ?? [],
    variables.RP_INITIATED_LOGOUT === 'On',
    sources,
    findings,
  );
  // Where a provider is there but wrong, or may be in what could not be read, that is said already.
  if (providers.length === 0 && findings.problems.length === problemsBefore && unread !== 'everything')
    findings.problem('OAUTH_PROVIDER', 'is needed, or providers in AUTH_CONFIG_FILE');
  const listed = file.signingKeys ?? (unread === undefined ? [] : undefined);
  const signingKeys = readSigningKeys(listed, {
    algorithm: variables.JWT_ALGORITHM,
    development,
    sources,
    findings,
  });
  const redirectUri = readRedirectUri(variables, file.redirectUri, {
    isNeeded: !development && unread !== 'everything',
    findings,
  });
  const {issuer, providers: checkedProviders} = readIssuer(
    named('JWT_ISSUER', variables.JWT_ISSUER, 'issuer', file.issuer),
    redirectUri,
    providers,
    findings,
  );
  const stateKey = readStateKey(sources, findings);
  const introspection = readIntrospection(sources, findings);
  const redis = readRedis(variables.SESSION_CACHE_TTL, stateKey, sources, findings);
  const tls = readTls(variables, options.again === true, findings);
  checkTogether(variables, providers, findings);
  if (findings.problems.length > 0) throw new ConfigurationError(findings.problems, sources.fingerprint());

  const configuration: Configuration = {
    development,
    logLevel: logLevel ?? 'info',
    host,
    port: variables.PORT,
    tls,
    database: {
      ...database,
      poolSize: variables.DATABASE_POOL_SIZE,
      maxLifetimeSeconds: variables.DATABASE_MAX_LIFETIME,
    },
    tokens: {
      issuer,
      previousIssuers: previousIssuers(variables.JWT_PREVIOUS_ISSUERS ?? file.previousIssuers ?? [], issuer),
      audience: variables.JWT_AUDIENCE ?? file.audience ?? [issuer],
      clientId: 'fraiseql',
      lifetimeSeconds: variables.SESSION_TIMEOUT_MINUTES * 60,
      keysMaxAgeSeconds: variables.JWKS_MAX_AGE,
    },
    sessions: {
      lifetimeSeconds: variables.REFRESH_TOKEN_TTL,
      idleSeconds: variables.REFRESH_IDLE_TTL ?? Math.min(variables.REFRESH_TOKEN_TTL, DEFAULT_IDLE_SECONDS),
      replayWindowSeconds: variables.REFRESH_REPLAY_WINDOW,
      rotation: variables.REFRESH_ROTATION,
    },
    login: {
      redirectUri: redirectUri.href,
      origin: redirectUri.origin,
      binding: variables.LOGIN_BINDING,
      lifetimeSeconds: 600,
      returnToOrigins: variables.RETURN_TO_ORIGINS ?? file.returnToOrigins ?? [],
      stateKey,
    },
    branding: {
      name: file.branding?.name,
      logoUrl: file.branding?.logoUrl,
      color: file.branding?.color,
    },
    providers: checkedProviders,
    introspection,
    signingKeys,
    allowedHosts: [
      ...(variables.PROVIDER_ALLOWED_HOSTS ?? file.allowedHosts ?? []),
      ...(development ? ['localhost', '127.0.0.1', '[::1]'] : []),
    ],
    trustedProxies: variables.TRUSTED_PROXIES,
    rateLimits: readRateLimits(variables, file.rateLimits),
    redis,
    reload: variables.CONFIGURATION_RELOAD,
    drainSeconds:
      variables.DRAIN_SECONDS ?? (sources.variable('KUBERNETES_SERVICE_HOST') === undefined ? 0 : 5),
    warnings: findings.warnings,
  };
  return {configuration, files: sources.fingerprint()};
}

const DEFAULT_IDLE_SECONDS = 3 * 86_400;

/** What is right by itself and makes no sense together. */
function checkTogether(
  variables: Variables,
  providers: readonly ProviderSettings[],
  findings: Findings,
): void {
  const {REFRESH_IDLE_TTL: idle, REFRESH_TOKEN_TTL: lifetime, SESSION_TIMEOUT_MINUTES: minutes} = variables;
  if (idle !== undefined && idle > lifetime)
    findings.problem('REFRESH_IDLE_TTL', `must not be longer than REFRESH_TOKEN_TTL (${lifetime} seconds)`);
  // A limit that is all of the session's lifetime ends none before its time.
  if (idle !== undefined && idle < lifetime && idle <= minutes * 60)
    findings.warning(
      'REFRESH_IDLE_TTL',
      `is no longer than an access token is valid (SESSION_TIMEOUT_MINUTES: ${minutes * 60} seconds): the session of a client whose token is still valid, and who sees no need to refresh, ends; raise REFRESH_IDLE_TTL or lower SESSION_TIMEOUT_MINUTES`,
    );
  const byIssuer = new Map<string, string>();
  for (const {name, issuer} of providers) {
    const other = byIssuer.get(withoutSlash(issuer));
    if (other !== undefined)
      findings.warning(
        'providers',
        `${other} and ${name} have the same issuer: who signs in by either is the same user, and a rule of one, such as allowedEmailDomains, is got round by the other`,
      );
    byIssuer.set(withoutSlash(issuer), name);
  }
}

function readVariables(sources: Sources, findings: Findings): Variables {
  const raw = Object.fromEntries(
    Object.keys(variablesSchema.shape).map((name) => [name, sources.variable(name)]),
  );
  const result = variablesSchema.safeParse(raw);
  if (result.success) return result.data;
  const wrong = new Set<string>();
  for (const issue of result.error.issues) {
    const name = String(issue.path[0]);
    if (!wrong.has(name)) findings.problem(name, issue.message);
    wrong.add(name);
  }
  // The rest is read with what is right, so that the same start tells of what is wrong elsewhere.
  return variablesSchema.parse(Object.fromEntries(Object.entries(raw).filter(([name]) => !wrong.has(name))));
}

function readDatabase(
  options: LoadOptions,
  sources: Sources,
  findings: Findings,
): Pick<Configuration['database'], 'url' | 'caFile'> {
  const caFile = sources.variable('DATABASE_CA_FILE');
  const authority = caFile === undefined ? undefined : sources.file('DATABASE_CA_FILE', caFile);
  if (authority !== undefined && !isCertificate(authority))
    findings.problem(
      'DATABASE_CA_FILE',
      'must name a file with one certificate in PEM form, or several in a row',
    );
  const url = sources.secret('DATABASE_URL');
  if (url === undefined) {
    if (!sources.has('DATABASE_URL')) findings.problem('DATABASE_URL', 'is needed, or DATABASE_URL_FILE');
    return {url: '', caFile};
  }
  const problem = options.databaseUrlProblem(url, caFile);
  if (problem !== undefined) findings.problem('DATABASE_URL', problem);
  return {url, caFile};
}

function readStateKey(sources: Sources, findings: Findings): Buffer | undefined {
  const text = sources.secret('STATE_KEY');
  if (text === undefined) return undefined;
  const key = Buffer.from(text, 'base64');
  if (key.length >= 32 && /^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) return key;
  findings.problem('STATE_KEY', 'must be at least 32 random bytes in base64 (openssl rand -base64 32)');
  return undefined;
}

function readIntrospection(sources: Sources, findings: Findings): IntrospectionClient | undefined {
  const clientId = sources.secret('INTROSPECTION_CLIENT_ID');
  const clientSecret = sources.secret('INTROSPECTION_CLIENT_SECRET');
  if (clientId !== undefined && !sources.has('INTROSPECTION_CLIENT_SECRET'))
    findings.problem('INTROSPECTION_CLIENT_SECRET', 'is needed beside INTROSPECTION_CLIENT_ID');
  if (clientId === undefined && clientSecret !== undefined)
    findings.problem('INTROSPECTION_CLIENT_ID', 'is needed beside INTROSPECTION_CLIENT_SECRET');
  if (clientSecret !== undefined && clientSecret.length < 16)
    findings.problem(
      'INTROSPECTION_CLIENT_SECRET',
      'must be at least 16 characters (openssl rand -base64 32)',
    );
  return clientId === undefined || clientSecret === undefined ? undefined : {clientId, clientSecret};
}

function readTls(variables: Variables, again: boolean, findings: Findings): TlsFiles | undefined {
  const {TLS_CERT_PATH: certPath, TLS_KEY_PATH: keyPath} = variables;
  if (certPath === undefined && keyPath === undefined) return undefined;
  if (certPath === undefined || keyPath === undefined) {
    const [missing, there] = certPath === undefined ? [CERT, KEY] : [KEY, CERT];
    findings.problem(missing, `is needed beside ${there}`);
    return undefined;
  }
  const files = {certPath, keyPath};
  const pair = again ? undefined : readTlsPair(files);
  if (pair && 'problem' in pair) findings.problem(pair.variable, pair.problem);
  return files;
}

const CERT = 'TLS_CERT_PATH';
const KEY = 'TLS_KEY_PATH';
