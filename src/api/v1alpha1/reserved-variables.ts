/**
 * The variables of the pods that come from fields of the resource, or from nowhere: `pod.extraEnv` cannot set them. `*`
 * stands for the rest of a name. One that the server reads and that is not here has no field, and is set in extraEnv.
 */
const RESERVED_VARIABLES: readonly string[] = [
  // Where the pod listens, what it reads and how it ends.
  'PORT',
  'SERVER_HOST',
  'AUTH_CONFIG_FILE',
  'CONFIGURATION_RELOAD',
  'DRAIN_SECONDS',
  'TLS_*',
  'LOG_LEVEL',
  'RUST_LOG',
  'TERMINATION_LOG',
  'MIGRATION_*',
  // What it stands on.
  'DATABASE_*',
  'REDIS_*',
  'BACKUP_*',
  'S3_*',
  'AWS_*',
  // Logins.
  'STATE_KEY*',
  'RETURN_TO_ORIGINS',
  'TRUSTED_PROXIES',
  'RATE_LIMIT*',
  // Providers.
  'OAUTH_*',
  'PROVIDER_ALLOWED_HOSTS',
  'RP_INITIATED_LOGOUT',
  'GOOGLE_*',
  'KEYCLOAK_*',
  'AUTH0_*',
  'OKTA_*',
  'AZURE_*',
  'GITHUB_*',
  'OIDC_*',
  // Tokens and sessions.
  'JWT_*',
  'JWKS_*',
  'SESSION_*',
  'REFRESH_*',
  'INTROSPECTION_*',
];

/** Matches the name of such a variable. */
export const RESERVED_VARIABLE = new RegExp(
  `^(${RESERVED_VARIABLES.map((name) => name.replace('*', '.*')).join('|')})$`,
);
