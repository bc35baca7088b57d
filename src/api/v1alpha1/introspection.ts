import {z} from 'zod';
import {secretRef} from './secretRef.ts';

/** The client that may introspect tokens. */
export const introspection = z.object({
  clientCredentialsSecretRef: secretRef('a Secret with the keys `client-id` and `client-secret`').meta({
    description:
      'By what it says who it is: an id, and a secret of 16 characters at least. You choose both, and give them to it.',
  }),
});
