const TENANT_ISSUER = /\/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\/v2\.0$/;

/**
 * Microsoft Entra ID: one provider is one tenant, by its id. `common`, `organizations` and a domain's name publish an
 * issuer with a `{tenantid}` to fill in, or another one, so that `iss` could not be compared as OpenID Connect Core
 * 3.1.3.7 demands; and whoever has any tenant could log in.
 */
export function azureIssuerProblem(issuer: string): string | undefined {
  if (TENANT_ISSUER.test(issuer)) return undefined;
  return (
    "must name one tenant by its directory's id, a lower-case UUID (common, organizations and domain names let in " +
    'accounts of any tenant, or name another issuer): https://login.microsoftonline.com/ID/v2.0'
  );
}

/**
 * Entra ID has no `email_verified`, and a tenant's administrator writes what they like as e-mail. The optional claim
 * `xms_edov` says whether the address's domain is verified; it has been seen as true, 1 and "1".
 */
export function vouchedByAzure(claims: Readonly<Record<string, unknown>>): boolean | undefined {
  const {xms_edov: verified} = claims;
  return verified === undefined ? undefined : verified === true || verified === 1 || verified === '1';
}
