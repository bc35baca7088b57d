/** Why this image, configuration and Secrets would not serve. `reason` is a CamelCase word that code may compare. */
export class CheckError extends Error {
  override readonly name = 'CheckError';
  readonly reason: 'ConfigurationInvalid' | 'ProviderInvalid' | 'ProviderUnreachable' | 'CheckFailed';
  readonly hint: string;
  readonly detail: Record<string, unknown>;

  constructor(
    reason: CheckError['reason'],
    message: string,
    hint: string,
    detail: Record<string, unknown> = {},
  ) {
    super(message);
    this.reason = reason;
    this.hint = hint;
    this.detail = detail;
  }
}
