/** The files that a configuration was read from, and a hash of what they held, or of why they could not be read. */
export interface Fingerprint {
  readonly paths: readonly string[];
  readonly hash: string;
}
