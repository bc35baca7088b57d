import {z} from 'zod';
import {secretRef} from './secretRef.ts';

/** Encryption that the service does itself, beside what stands in front of it. */
export const tls = z.object({
  inPod: z
    .object({
      certificateSecretRef: secretRef(
        'a Secret of type kubernetes.io/tls: tls.crt, the certificate with its chain, and tls.key, its key',
      ).meta({
        description:
          'The certificate, as cert-manager or kubectl create secret tls writes it. A renewed one is taken up by the pods as they run, within about a minute, and none restarts.',
      }),
    })
    .meta({
      description:
        'The pods speak https themselves, and only https: the Service then has port 443 in place of 80, and what stands before it must speak https to it.',
    }),
});
