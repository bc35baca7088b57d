import {certificateSecretOf, type Pod} from '../workloads.ts';

/** Where a pod answers, and how. */
export interface Target {
  readonly address: string;
  /**
   * It speaks https: the fingerprints of the certificates of which it must show one. A certificate names hosts and not
   * addresses of pods, so that it is known by itself, not by its names; undefined: it speaks http.
   */
  readonly certificates?: readonly string[];
}

/** Where a pod answers; undefined while it has no address. `pinsOf` is told the name of the Secret that it mounts. */
export function targetOf(
  {spec, status}: Pod,
  pinsOf: (secretName: string) => readonly string[],
): Target | undefined {
  const address = status?.podIP;
  if (address === undefined) return undefined;
  const secretName = certificateSecretOf(spec);
  return secretName === undefined ? {address} : {address, certificates: pinsOf(secretName)};
}
