const SCHEME = 'bearer';

/**
 * What an Authorization header of the scheme Bearer holds (RFC 6750, section 2.1), unchecked and perhaps empty; undefined
 * where there is none, or one of another scheme: that is for somebody else, such as the site in front that asks for a
 * password.
 */
export function bearerToken(authorization: string | undefined): string | undefined {
  // No regular expression: forward authentication asks this for every request.
  if (authorization === undefined || authorization.slice(0, SCHEME.length).toLowerCase() !== SCHEME)
    return undefined;
  const rest = authorization.slice(SCHEME.length);
  const token = rest.trimStart();
  // Where no space stands between them there is no token, and nothing that is good.
  return token === rest ? '' : token;
}
