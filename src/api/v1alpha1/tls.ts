import {z} from 'zod';
import {secretRef} from './secret-ref.ts';

/** Encryption that the service does itself, beside what stands in front of it. */
export const tls = z.object({
  inPod: z
    .object({
      certificateSecretRef: secretRef(
        'a Secret of type kubernetes.io/tls: tls.crt, the certificate with its chain, and tls.key, its key',
      ).meta({
        description:
          'The certificate, as written by cert-manager or kubectl create secret tls. Running pods pick up a renewed one within about a minute, without a restart.',
      }),
    })
    .meta({
      description:
        'The pods themselves speak https, and only https: the Service then has port 443 instead of 80, and whatever stands in front of it must speak https to it.',
    }),
});
