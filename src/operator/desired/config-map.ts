import {stringify} from 'yaml';
import {WELL_KNOWN_ISSUERS} from '../../api/v1alpha1/providers.ts';
import type {ResolvedSpec} from '../../api/v1alpha1/resolve.ts';
import type {KubeObject} from '../../kube/objects.ts';
import {childMeta} from './children.ts';
import {shortHash} from './hash.ts';
import type {Instance} from './instance.ts';
import {names} from './names.ts';
import {PATHS} from './paths.ts';

/**
 * The server's configuration file. It never changes: another content is another ConfigMap, named by its hash, so that
 * a roll-out takes the old pods' configuration away from none of them.
 */
export function configMap(instance: Instance): KubeObject & {data: Record<string, string>} {
  const {data, hash} = written(authYaml(instance.spec));
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: childMeta(instance, names(instance).config(hash), 'server'),
    immutable: true,
    data,
  };
}

// A pass asks for the same file several times, and YAML takes long to write.
const recent = new Map<string, {data: {'auth.yaml': string}; hash: string}>();
const MAX_RECENT = 256;

function written(content: unknown): {data: {'auth.yaml': string}; hash: string} {
  const id = JSON.stringify(content);
  const known = recent.get(id);
  if (known !== undefined) return known;
  const data = {'auth.yaml': stringify(content)};
  const result = {data, hash: shortHash(data)};
  recent.set(id, result);
  if (recent.size > MAX_RECENT) recent.delete(recent.keys().next().value ?? '');
  return result;
}

function authYaml(spec: ResolvedSpec) {
  const allowedHosts = new Set(
    spec.providers.flatMap(({type, issuerURL, allowedHosts: more = []}) =>
      issuerURL === WELL_KNOWN_ISSUERS[type] ? more : [hostAndPort(issuerURL), ...more],
    ),
  );
  return {
    providers: spec.providers.map((each) => ({
      name: each.name,
      type: each.type.toLowerCase(),
      displayName: each.displayName,
      ...(each.issuerURL !== WELL_KNOWN_ISSUERS[each.type] && {issuerUrl: each.issuerURL}),
      clientIdFile: `${PATHS.providers}/${each.name}/client-id`,
      clientSecretFile: `${PATHS.providers}/${each.name}/client-secret`,
      ...(each.scopes && {scopes: each.scopes}),
      ...(each.callback === 'Own' && {callback: each.callback}),
      ...(each.allowedEmailDomains && {allowedEmailDomains: each.allowedEmailDomains}),
      // Left out where it is the server's own default: the same file, and no roll-out for it.
      ...(each.rpInitiatedLogout === 'Disabled' && {rpInitiatedLogout: each.rpInitiatedLogout}),
    })),
    signingKeysFile: PATHS.keyListFile,
    ...(spec.previousIssuers.length > 0 && {previousIssuers: spec.previousIssuers}),
    ...(Object.keys(spec.branding).length > 0 && {branding: brandingOf(spec)}),
    ...rateLimitsOf(spec),
    // Whoever wrote the issuer's URL allowed its host, be it on http or at an address inside the cluster.
    ...(allowedHosts.size > 0 && {allowedHosts: [...allowedHosts]}),
  };
}

function brandingOf({branding: {name, logoURL, color}}: ResolvedSpec) {
  return {
    ...(name !== undefined && {name}),
    ...(logoURL !== undefined && {logoUrl: logoURL}),
    ...(color !== undefined && {color}),
  };
}

function rateLimitsOf({rateLimits}: ResolvedSpec) {
  const given = Object.entries(rateLimits).filter(
    ([name, limit]) => name !== 'policy' && limit !== undefined,
  );
  return given.length > 0 && {rateLimits: Object.fromEntries(given)};
}

function hostAndPort(text: string): string {
  const url = new URL(text);
  const standard = url.protocol === 'https:' ? '443' : '80';
  return `${url.hostname}:${url.port === '' ? standard : url.port}`;
}
