/**
 * The schema that this version needs: the number of its newest migration. A test holds it against the files in
 * migrations/. It stands alone, without I/O, so that the operator can name what it is about to migrate to.
 */
export const SCHEMA_VERSION = '7';
