import type {ProviderSettings, ProviderType} from './configuration.ts';
import type {FileProvider} from './file.ts';
import type {Findings} from './problems.ts';
import type {Sources} from './sources.ts';
import {checkUrl} from './urls.ts';

/** The providers that the file lists, and those of the environment, which win over one of the same name. */
export function readProviders(
  types: readonly ProviderType[],
  listed: readonly FileProvider[],
  /** RP_INITIATED_LOGOUT, for the providers of the environment. */
  rpInitiatedLogout: boolean,
  sources: Sources,
  findings: Findings,
): ProviderSettings[] {
  const providers = new Map<string, ProviderSettings>();
  for (const [index, entry] of listed.entries()) {
    const where = `AUTH_CONFIG_FILE providers[${index}]`;
    if (providers.has(entry.name)) findings.problem(`${where}.name`, `"${entry.name}" is used twice`);
    const provider = fromFile(types, entry, where, sources, findings);
    if (provider) providers.set(entry.name, provider);
  }
  for (const type of chosenTypes(types, sources, findings)) {
    const provider = fromEnvironment(type, rpInitiatedLogout, sources, findings);
    if (provider) providers.set(provider.name, provider);
  }
  return [...providers.values()];
}

/** OAUTH_PROVIDER's, or without it each that has its client id set, as the guide's Compose file does. */
function chosenTypes(types: readonly ProviderType[], sources: Sources, findings: Findings): ProviderType[] {
  const chosen = sources.variable('OAUTH_PROVIDER')?.toLowerCase();
  if (chosen === undefined) return types.filter((type) => sources.has(`${type.prefix}_CLIENT_ID`));
  const type = types.find((candidate) => candidate.type === chosen);
  if (type) return [type];
  findings.problem('OAUTH_PROVIDER', `must be one of ${types.map((known) => known.type).join(', ')}`);
  return [];
}

function fromEnvironment(
  type: ProviderType,
  rpInitiatedLogout: boolean,
  sources: Sources,
  findings: Findings,
): ProviderSettings | undefined {
  const needed = `is needed for the provider ${type.type}`;
  const clientId = sources.secret(`${type.prefix}_CLIENT_ID`);
  if (clientId === undefined && !sources.has(`${type.prefix}_CLIENT_ID`))
    findings.problem(`${type.prefix}_CLIENT_ID`, needed);
  const clientSecret = sources.secret(`${type.prefix}_CLIENT_SECRET`);
  if (clientSecret === undefined && !sources.has(`${type.prefix}_CLIENT_SECRET`))
    findings.problem(`${type.prefix}_CLIENT_SECRET`, `${needed}, or ${type.prefix}_CLIENT_SECRET_FILE`);
  const place = type.issuer === undefined ? locate(type, sources, findings, needed) : {issuer: type.issuer};
  if (clientId === undefined || place === undefined) return undefined;
  return {
    name: type.type,
    type: type.type,
    displayName: type.displayName,
    issuer: place.issuer,
    discoveryUrl: place.discoveryUrl,
    clientId,
    clientSecret,
    scopes: type.scopes,
    allowedEmailDomains: [],
    callback: 'Shared',
    rpInitiatedLogout,
  };
}

function locate(
  type: ProviderType,
  sources: Sources,
  findings: Findings,
  needed: string,
): {issuer: string; discoveryUrl?: string} | undefined {
  // The group that is complete, else the one of which most is set: its missing variables are the ones to name.
  const groups = type.locations.map((location) => ({
    location,
    values: location.variables.map((name) => sources.variable(name)),
  }));
  const setIn = (values: readonly unknown[]): number => values.filter((value) => value !== undefined).length;
  const best = groups.toSorted((a, b) => setIn(b.values) - setIn(a.values))[0];
  if (best === undefined) return undefined;
  const values = best.values.filter((value) => value !== undefined);
  if (values.length < best.values.length) {
    for (const [index, name] of best.location.variables.entries()) {
      if (best.values[index] === undefined) findings.problem(name, needed);
    }
    return undefined;
  }
  const place = best.location.locate(...values);
  const checked = checkUrl(place.issuer);
  const problem = checked.ok ? type.issuerProblem?.(place.issuer) : checked.problem;
  if (problem !== undefined) findings.problem(best.location.variables[0] ?? type.prefix, problem);
  const metadata = checkUrl(place.discoveryUrl ?? place.issuer);
  if (checked.ok && !metadata.ok)
    findings.problem(best.location.variables.at(-1) ?? type.prefix, metadata.problem);
  return problem === undefined && metadata.ok ? place : undefined;
}

function fromFile(
  types: readonly ProviderType[],
  entry: FileProvider,
  where: string,
  sources: Sources,
  findings: Findings,
): ProviderSettings | undefined {
  const type = types.find((candidate) => candidate.type === entry.type.toLowerCase());
  if (type === undefined) {
    findings.problem(`${where}.type`, `must be one of ${types.map((known) => known.type).join(', ')}`);
    return undefined;
  }
  if ((entry.clientId === undefined) === (entry.clientIdFile === undefined))
    findings.problem(`${where}.clientId`, 'set either clientId or clientIdFile');
  const clientId =
    entry.clientIdFile === undefined
      ? entry.clientId
      : sources.file(`${where}.clientIdFile`, entry.clientIdFile);
  if (entry.clientSecretFile === undefined) findings.problem(`${where}.clientSecretFile`, 'is needed');
  const clientSecret =
    entry.clientSecretFile === undefined
      ? undefined
      : sources.file(`${where}.clientSecretFile`, entry.clientSecretFile);
  const issuer = entry.issuerUrl ?? type.issuer;
  if (issuer === undefined) findings.problem(`${where}.issuerUrl`, `is needed for the type ${type.type}`);
  const problem = issuer === undefined ? undefined : type.issuerProblem?.(issuer);
  if (problem !== undefined) findings.problem(`${where}.issuerUrl`, problem);
  if (clientId === undefined || issuer === undefined) return undefined;
  return {
    name: entry.name,
    type: type.type,
    displayName: entry.displayName ?? type.displayName,
    issuer,
    discoveryUrl: entry.discoveryUrl?.href,
    clientId,
    clientSecret,
    scopes: entry.scopes ?? type.scopes,
    allowedEmailDomains: (entry.allowedEmailDomains ?? []).map((domain) => domain.toLowerCase()),
    callback: entry.callback,
    rpInitiatedLogout: entry.rpInitiatedLogout === 'Enabled',
  };
}
