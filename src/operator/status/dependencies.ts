import type {ResolvedSpec} from '../../api/v1alpha1/resolve.ts';
import type {HealthReport} from '../observed.ts';
import type {Problem} from '../problem.ts';

/** What the pods say of the database, as a problem; undefined where it is well or unknown. */
export function databaseProblem(health: HealthReport | undefined, spec: ResolvedSpec): Problem | undefined {
  if (health?.db !== 'error') return undefined;
  const {name, key} = spec.database.urlSecretRef;
  const why = health.errors.find((each) => each.dependency === 'database')?.reason ?? 'unreachable';
  const secret = `Secret ${name} (key "${key}")`;
  const objectRef = {apiVersion: 'v1', kind: 'Secret', name, key};
  const heals = 'The pods recover by themselves once it is back';
  switch (why) {
    case 'authentication_failed':
      return {
        reason: 'DatabaseAuthenticationFailed',
        message: `The database refuses the user or password in ${secret}`,
        hint: `Correct them in ${secret}: the pods are then replaced by themselves`,
        objectRef,
      };
    case 'not_found':
      return {
        reason: 'DatabaseNotFound',
        message: `The server that ${secret} points to has no such database`,
        hint: `Create the database, or correct ${secret}`,
        objectRef,
      };
    case 'permission_denied':
      return {
        reason: 'DatabasePermissionDenied',
        message: `The user in ${secret} lacks rights in the database`,
        hint: 'Grant the user rights on the schema _system',
        objectRef,
      };
    case 'url_invalid':
      return {
        reason: 'DatabaseURLInvalid',
        message: `${secret} holds no connection URL`,
        hint: 'Write postgres://USER:PASSWORD@HOST:5432/DATABASE',
        objectRef,
      };
    case 'schema_missing':
      return {
        reason: 'SchemaMissing',
        message: `The database that ${secret} names has lost the schema _system`,
        hint: 'It is being created again, empty; restore a backup if you want the sessions back',
        objectRef,
      };
    case 'schema_outdated':
      return {
        reason: 'SchemaOutdated',
        message: `The database that ${secret} names has an older schema than this version needs`,
        hint: 'It is being migrated; this is expected after an older backup was restored',
        objectRef,
      };
    case 'too_many_connections':
      return {
        reason: 'DatabaseUnreachable',
        message: `The database that ${secret} points to accepts no more connections`,
        hint: "Raise PostgreSQL's max_connections, or lower spec.database.poolSize",
        objectRef,
      };
    case 'timeout':
      return {
        reason: 'DatabaseUnreachable',
        message: `The database that ${secret} names does not answer in time`,
        hint: `Check that the database runs. Where it does, it is overloaded or a transaction holds the tables of schema _system (see pg_stat_activity), or a NetworkPolicy swallows what is sent. ${heals}`,
        objectRef,
      };
    default:
      return {
        reason: 'DatabaseUnreachable',
        message: `The database that ${secret} names cannot be reached (${why.replaceAll('_', ' ')})`,
        hint: `Check that the database runs and that host and port in the Secret are right. ${heals}`,
        objectRef,
      };
  }
}

/** What the pods say of Redis, as a problem; undefined where it is well, unknown, or there is none. */
export function cacheProblem(health: HealthReport | undefined, spec: ResolvedSpec): Problem | undefined {
  if (health?.cache !== 'error' || spec.cache === undefined) return undefined;
  const {name, key} = spec.cache.redisURLSecretRef;
  const why = health.errors.find((each) => each.dependency === 'redis')?.reason ?? 'unreachable';
  const secret = `Secret ${name} (key "${key}")`;
  const objectRef = {apiVersion: 'v1', kind: 'Secret', name, key};
  const goesOn = 'Meanwhile each pod counts rate limits on its own and reads sessions from the database';
  switch (why) {
    case 'authentication_failed':
      return {
        reason: 'CacheAuthenticationFailed',
        message: `Redis refuses the user or password in ${secret}`,
        hint: `Correct them in ${secret}: the pods are then replaced by themselves. ${goesOn}`,
        objectRef,
      };
    case 'permission_denied':
      return {
        reason: 'CachePermissionDenied',
        message: `The user in ${secret} lacks rights in Redis`,
        hint: `Grant the user reads, writes and scripts on keys that begin with fraiseql-auth:. ${goesOn}`,
        objectRef,
      };
    case 'out_of_memory':
    case 'read_only':
      return {
        reason: 'CacheRefusesWrites',
        message: `The Redis that ${secret} points to accepts no writes (${why.replaceAll('_', ' ')})`,
        hint: `${why === 'read_only' ? 'Point the URL at the primary, not at a replica' : 'Give it more memory, or maxmemory-policy allkeys-lru'}. ${goesOn}`,
        objectRef,
      };
    case 'certificate_invalid':
    case 'tls_failed':
      return {
        reason: 'CacheUnreachable',
        message: `The pods cannot speak TLS with the Redis that ${secret} names (${why.replaceAll('_', ' ')})`,
        hint: `${why === 'tls_failed' ? 'Write redis:// where it speaks no TLS' : 'Its certificate must be valid for the host in the URL, and signed by a known authority: name that one in spec.cache.caSecretRef'}. ${goesOn}`,
        objectRef,
      };
    default:
      return {
        reason: 'CacheUnreachable',
        message: `The Redis that ${secret} names cannot be reached (${why.replaceAll('_', ' ')})`,
        hint: `Check that it runs and that host and port in the Secret are right. ${goesOn}; they use it again once it is back`,
        objectRef,
      };
  }
}

/** What the pods say of the identity providers: one problem for each that fails. */
export function providerProblems(
  health: HealthReport | undefined,
  spec: ResolvedSpec,
  resource: {kind: string; name: string},
): Problem[] {
  if (health?.oauthProvider !== 'error') return [];
  const failing = health.errors.filter((each) => each.dependency.startsWith('provider:'));
  const goesOn = 'Existing sessions keep working; new logins through it fail until it is back';
  if (failing.length === 0) {
    return [
      {
        reason: 'ProviderUnreachable',
        message: `No identity provider answers: ${spec.providers.map((each) => `${each.name} (${each.issuerURL})`).join(', ')}`,
        hint: `Check that it runs and is reachable from the pods. ${goesOn}`,
        objectRef: {kind: resource.kind, name: resource.name, key: 'spec.providers'},
      },
    ];
  }
  return failing.map(({dependency, reason}) => {
    const name = dependency.slice('provider:'.length);
    const index = spec.providers.findIndex((each) => each.name === name);
    const provider = spec.providers[index];
    const issuer = provider?.issuerURL ?? 'no longer in the spec';
    const objectRef = {
      kind: resource.kind,
      name: resource.name,
      key: `spec.providers[${Math.max(0, index)}].issuerURL`,
    };
    switch (reason) {
      case 'authentication_failed':
        return {
          reason: 'ProviderInvalid',
          message: `Provider ${name} (${issuer}) refuses the client id or secret`,
          hint: `Correct client-id and client-secret in Secret ${provider?.clientCredentialsSecretRef.name ?? ''}`,
          objectRef: provider
            ? {apiVersion: 'v1', kind: 'Secret', name: provider.clientCredentialsSecretRef.name}
            : objectRef,
        };
      case 'invalid_response':
        return {
          reason: 'ProviderInvalid',
          message: `Provider ${name}: ${issuer}/.well-known/openid-configuration is not valid OpenID Connect metadata`,
          hint: `Check spec.providers[${Math.max(0, index)}].issuerURL: it must be the issuer exactly as the provider publishes it. ${goesOn}`,
          objectRef,
        };
      case 'forbidden_address':
        return {
          reason: 'ProviderInvalid',
          message: `Provider ${name} (${issuer}) points to an address that is not allowed`,
          hint: `Check spec.providers[${Math.max(0, index)}].issuerURL and the addresses in the provider's metadata; add a host of your own that it names to spec.providers[${Math.max(0, index)}].allowedHosts`,
          objectRef,
        };
      default:
        return {
          reason: 'ProviderUnreachable',
          message: `Provider ${name} (${issuer}) does not answer (${reason.replaceAll('_', ' ')})`,
          hint: `Check that it runs and is reachable from the pods. ${goesOn}`,
          objectRef,
        };
    }
  });
}
