import {z} from 'zod';
import {secretRef} from './secret-ref.ts';

/** The client that may introspect tokens. */
export const introspection = z.object({
  clientCredentialsSecretRef: secretRef('a Secret with the keys `client-id` and `client-secret`').meta({
    description:
      "The client's id, and its secret of at least 16 characters. You choose both and give them to the client.",
  }),
});
