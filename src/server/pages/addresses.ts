/** The address that begins a login. */
export function startAddress(returnTo: string | undefined, provider?: string): string {
  const query = new URLSearchParams();
  if (provider !== undefined) query.set('provider', provider);
  if (returnTo !== undefined) query.set('return_to', returnTo);
  return query.size === 0 ? '/auth/start' : `/auth/start?${query.toString()}`;
}

/** Where a login ends that was begun from a page of ours, and not for an application. */
export const ACCOUNT_PATH = '/auth/account';
export const SIGNED_OUT_PATH = '/auth/signed-out';
