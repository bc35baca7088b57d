/** The address that begins a login. */
export function startAddress(returnTo: string | undefined, provider?: string): string {
  const query = new URLSearchParams();
  if (provider !== undefined) query.set('provider', provider);
  if (returnTo !== undefined) query.set('return_to', returnTo);
  return query.size === 0 ? '/auth/start' : `/auth/start?${query.toString()}`;
}

/** Where a login ends that was begun from a page of ours, and not for an application. */
export const ACCOUNT_PATH = '/auth/account';
/** Where a sign-out ends; the provider sends browsers back here. */
export const SIGNED_OUT_PATH = '/auth/signed-out';

/** The same for someone who may still be signed in at that provider, which was not asked to end it. */
export function signedOutAddress(provider: string, returnTo: string | undefined): string {
  const query = new URLSearchParams({provider});
  if (returnTo !== undefined) query.set('return_to', returnTo);
  return `${SIGNED_OUT_PATH}?${query.toString()}`;
}
