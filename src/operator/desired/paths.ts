/** Where the pods find their files. The server's configuration and the mounts both speak of these. */
export const PATHS = {
  configuration: '/etc/fraiseql-auth/config',
  configurationFile: '/etc/fraiseql-auth/config/auth.yaml',
  providers: '/etc/fraiseql-auth/providers',
  keys: '/etc/fraiseql-auth/keys',
  keyListFile: '/etc/fraiseql-auth/keys/keys.json',
  database: '/etc/fraiseql-auth/database',
  databaseURLFile: '/etc/fraiseql-auth/database/url',
  redis: '/etc/fraiseql-auth/redis',
  redisURLFile: '/etc/fraiseql-auth/redis/url',
  tls: '/etc/fraiseql-auth/tls',
  certificateFile: '/etc/fraiseql-auth/tls/tls.crt',
  certificateKeyFile: '/etc/fraiseql-auth/tls/tls.key',
  state: '/etc/fraiseql-auth/state',
  stateKeyFile: '/etc/fraiseql-auth/state/key',
  backups: '/backups',
  termination: '/dev/termination-log',
} as const;
