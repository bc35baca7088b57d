/** The API group of the resources. */
export const GROUP = 'auth.fraiseql.dev';
/** The version of the group that is served and stored. */
export const VERSION = 'v1alpha1';
/** As it stands in `apiVersion`. */
export const API_VERSION = `${GROUP}/${VERSION}`;
/** The resource a person writes: one authentication service. */
export const KIND = 'FraiseQLAuth';

/** FraiseQLAuth, as a client of the API server addresses it. */
export const FRAISEQLAUTH = {
  apiVersion: API_VERSION,
  kind: KIND,
  plural: 'fraiseqlauths',
  namespaced: true,
} as const;

/** The other names that kubectl knows it by. */
export const NAMES = {
  singular: 'fraiseqlauth',
  listKind: `${KIND}List`,
  shortNames: ['fqa'],
  categories: ['fraiseql'],
} as const;
