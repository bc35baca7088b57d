import {createHash, createHmac} from 'node:crypto';
import {CERTIFICATE_KEYS, type Reference} from '../../api/v1alpha1/references.ts';
import type {Observed, SecretView} from '../observed.ts';
import type {Problem} from '../problem.ts';
import {certificateSecretOf, serves, type Pod} from '../workloads.ts';
import {holdsOther, pairProblems, viewCertificate, writeBoth} from './certificates.ts';

/** What was found out about the Secrets that a spec names. */
export interface SecretsFinding {
  /** What keeps the server from starting. */
  readonly problems: readonly Problem[];
  /** What keeps only backups from running. */
  readonly backupProblems: readonly Problem[];
  /** Whether the Secrets that a backup needs are there, whatever is wrong with others. */
  readonly backupReady: boolean;
  /** Of everything that the pods read from Secrets at their start: they roll when it changes. */
  readonly serverHash: string;
  /** Of the database's connection URL. It can be guessed from, so it is shown to nobody: see `databaseHashOf`. */
  readonly databaseURLHash: string;
}

/**
 * The Secrets to read: those that the spec names, and those whose certificate running pods still serve, even if the spec
 * names another one by now.
 */
export function secretsToRead(named: readonly Reference[], pods: readonly Pod[]): string[] {
  const shown = pods.filter(serves).flatMap(({spec}) => certificateSecretOf(spec) ?? []);
  return [...new Set([...namesOf(named, 'Secret'), ...shown.sort()])];
}

/** The objects of a kind that a spec names. */
export function namesOf(named: readonly Reference[], kind: Reference['kind']): string[] {
  return named.filter((each) => each.kind === kind).map(({name}) => name);
}

/** Which of the objects that a spec names are there, with which keys. Speaks of names of keys, never of values. */
export function resolveSecrets(
  namespace: string,
  references: readonly Reference[],
  databaseRef: {name: string; key: string},
  observed: Pick<Observed, 'secrets' | 'claims'>,
): SecretsFinding {
  const problems: Problem[] = [];
  const backupProblems: Problem[] = [];
  const parts: string[] = [];
  let backupReady = true;
  for (const reference of references) {
    if (reference.kind === 'PersistentVolumeClaim') {
      if (observed.claims?.get(reference.name) === false)
        backupProblems.push(claimMissing(namespace, reference));
      continue;
    }
    const view = observed.secrets.get(reference.name);
    const found = problemsOf(namespace, reference, view);
    (reference.neededBy === 'backup' ? backupProblems : problems).push(...found);
    if (reference.neededBy !== 'server' && found.length > 0) backupReady = false;
    if (reference.neededBy === 'backup' || reference.certificate === true) continue;
    for (const key of [...reference.keys, ...(reference.optionalKeys ?? [])]) {
      parts.push(`${reference.name}/${key}=${view?.hashes.get(key) ?? ''}`);
    }
  }
  return {
    problems: distinct(problems),
    backupProblems: distinct(backupProblems),
    backupReady,
    serverHash: hash([...new Set(parts)].sort().join('\n')),
    databaseURLHash: hash(observed.secrets.get(databaseRef.name)?.hashes.get(databaseRef.key) ?? ''),
  };
}

/** A pod that needs it would wait for it, without a word until the first backup is due. */
function claimMissing(namespace: string, {kind, name, field}: Reference): Problem {
  return {
    reason: 'ClaimNotFound',
    message: `PersistentVolumeClaim ${name} does not exist in namespace ${namespace}; ${field} names it`,
    hint: `Create it, or correct ${field}.claimName. See: kubectl get pvc -n ${namespace}`,
    objectRef: {apiVersion: 'v1', kind, name},
  };
}

function problemsOf(namespace: string, reference: Reference, view: SecretView | undefined): Problem[] {
  const {name, keys, field} = reference;
  const ref = {apiVersion: 'v1', kind: 'Secret', name};
  if (view === undefined) {
    return [
      {
        reason: 'SecretNotFound',
        message: `Secret ${name} does not exist in namespace ${namespace}; ${field} names it`,
        hint: reference.certificate
          ? writeBoth(namespace, reference, undefined)
          : `Create it: ${creation(namespace, reference)}`,
        objectRef: ref,
      },
    ];
  }
  if (reference.oneOf?.every((key) => !view.hashes.get(key)) === true) {
    const {oneOf} = reference;
    const found = oneOf.map((key) => `"${key}"`).join(' nor ');
    return [
      {
        reason: 'SecretKeyNotFound',
        message: `Secret ${name} has neither ${found}, so no image can be pulled with it; ${field} names it`,
        hint: holdsOther(view, oneOf)
          ? `Name another Secret in ${field}, for this one holds other things, and create it: ${creation(namespace, {...reference, name: 'NAME'})}`
          : `Delete it, and create it anew: ${creation(namespace, reference)}`,
        objectRef: ref,
      },
    ];
  }
  const found = keys.flatMap((key): Problem[] => {
    const value = view.hashes.get(key);
    if (value === undefined) {
      const has = [...view.hashes.keys()].sort();
      return [
        {
          reason: 'SecretKeyNotFound',
          message: `Secret ${name} has no key "${key}"; it has: ${has.length > 0 ? has.slice(0, 20).join(', ') : 'no keys at all'}`,
          hint: reference.certificate
            ? writeBoth(namespace, reference, view)
            : `${has.length > 0 && /urlSecretRef$/i.test(field) ? `Add the key, or name one of these in ${field}.key` : 'Add the key'}: ${patching(namespace, reference, key)}`,
          objectRef: {...ref, key},
        },
      ];
    }
    if (value !== '') return [];
    return [
      {
        reason: 'SecretValueInvalid',
        message: `Secret ${name} has an empty value for key "${key}"`,
        hint: reference.certificate
          ? writeBoth(namespace, reference, view)
          : `Set it: ${patching(namespace, reference, key)}`,
        objectRef: {...ref, key},
      },
    ];
  });
  return reference.certificate === true && found.length === 0
    ? pairProblems(namespace, reference, view)
    : found;
}

/** The command that makes a Secret as it is needed. */
function creation(namespace: string, {name, keys, oneOf, field}: Reference): string {
  if (oneOf !== undefined)
    return `kubectl create secret docker-registry ${name} -n ${namespace} --docker-server=REGISTRY --docker-username=USER --docker-password=PASSWORD`;
  const values = keys.map((key) =>
    isAuthority(field) ? `--from-file=${key}=CA.pem` : `--from-literal=${key}=${example(key, field)}`,
  );
  return `kubectl create secret generic ${name} -n ${namespace} ${values.join(' ')}`;
}

const isAuthority = (field: string): boolean => field.endsWith('.caSecretRef');

/** The command that sets a key that is missing or empty. */
function patching(namespace: string, {name, field}: Reference, key: string): string {
  return `kubectl patch secret ${name} -n ${namespace} -p '{"stringData":{"${key}":"${example(key, field).replaceAll("'", '')}"}}'`;
}

/** What a person would write for the key that a field names. */
function example(key: string, field: string): string {
  if (isAuthority(field)) return '…';
  if (field.startsWith('spec.cache.')) return "'redis://:PASSWORD@HOST:6379'";
  return /url|uri|dsn/i.test(key) ? "'postgres://USER:PASSWORD@HOST:5432/DATABASE'" : '…';
}

/** One Secret may be named in several places; what is wrong with it is said once. */
function distinct(problems: readonly Problem[]): Problem[] {
  const seen = new Map<string, Problem>();
  for (const problem of problems) {
    const id = `${problem.reason} ${problem.objectRef?.name ?? ''} ${problem.objectRef?.key ?? ''}`;
    if (!seen.has(id)) seen.set(id, problem);
  }
  return [...seen.values()];
}

/** What is kept of a Secret: of its values hashes, and what its certificate is. */
export function viewOf(data: Readonly<Record<string, string>> = {}): SecretView {
  const hashes = new Map(
    Object.entries(data).map(([key, base64]) => {
      const value = Buffer.from(base64, 'base64');
      const blank = value.toString('latin1').trim() === '';
      return [key, blank ? '' : createHash('sha256').update(value).digest('hex')];
    }),
  );
  const {[CERTIFICATE_KEYS.certificate]: cert, [CERTIFICATE_KEYS.key]: key} = data;
  return {hashes, ...(cert !== undefined && key !== undefined && {certificate: viewCertificate(cert, key)})};
}

/**
 * What says to which database a migration belongs, for a status and a Job's name. Many may read those, and a URL with a
 * weak password could be found by trying; so it is made with the key that seals logins, which only those have who may
 * read Secrets.
 */
export function databaseHashOf({databaseURLHash}: SecretsFinding, stateKey: string): string {
  return createHmac('sha256', stateKey).update(databaseURLHash).digest('hex').slice(0, 16);
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
