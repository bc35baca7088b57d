/** The version of this program, put in when it is built. */
export const VERSION = process.env['FRAISEQL_AUTH_VERSION'] ?? '0.0.0-dev';
