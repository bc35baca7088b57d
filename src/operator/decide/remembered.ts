import {RecentMap} from '../../support/recent-map.ts';
import {recordIn} from '../../support/record.ts';
import {ANNOTATION} from '../desired/children.ts';
import type {ServerTemplate} from '../desired/deployment.ts';
import {shortHash} from '../desired/hash.ts';
import type {Observed} from '../observed.ts';
import type {Deployment} from '../workloads.ts';
import {REFUSED} from './refusal.ts';
import {runsEverywhere} from './rollout.ts';

// The Deployment itself remembers, in annotations that are written together with its template: so no state is lost with
// the operator, and none can contradict what runs.

/** The hash of the template that the Deployment was given. */
const TEMPLATE = `${ANNOTATION}/template`;
/** The last template that ran everywhere, as JSON: what a roll-out that fails goes back to. */
const PROVEN = `${ANNOTATION}/proven-template`;
/** The template that it was given, as JSON, until it runs everywhere: then it is the proven one, and said once. */
const GIVEN = `${ANNOTATION}/given-template`;

/**
 * A template of more bytes is not remembered beside its own Deployment, and there is no way back to it then: two of them
 * have to fit into the 256 KiB that all annotations of an object may have.
 */
const MAX_REMEMBERED = 100_000;

/** A template that is remembered. */
export interface Remembered {
  readonly hash: string;
  readonly template: ServerTemplate;
  /** As it stands in an annotation. */
  readonly text: string;
}

/** What a Deployment remembers of its templates. */
export interface Memory {
  /** The hash of the one that it was given. */
  readonly given: string | undefined;
  /** The one that ran everywhere last. */
  readonly proven: Remembered | undefined;
  /** The one that it was given, where that is still to run everywhere. */
  readonly trial: Remembered | undefined;
}

/** What pods are to be made from, and what the Deployment is to say of it. */
export interface Kept {
  readonly template: ServerTemplate;
  readonly annotations: Readonly<Record<string, string>>;
}

/**
 * What a Deployment remembers, with what has come of it since: what it was given is proven by running everywhere, also
 * while nobody looked, and whatever the spec says by then.
 */
export function recall(
  live: Deployment,
  observed: Pick<Observed, 'pods' | 'replicaSets' | 'logLines'>,
): Memory {
  const {[TEMPLATE]: given, [PROVEN]: before, [GIVEN]: latest} = live.metadata.annotations ?? {};
  const proven = rememberedIn(before);
  if (given === undefined || given === proven?.hash) return {given, proven, trial: undefined};
  const found = rememberedIn(latest);
  const trial = found?.hash === given ? found : undefined;
  // To what ran before that there is no way back any more, also where this one is too large to be remembered.
  return runsEverywhere(live, observed) ? {given, proven: trial, trial: undefined} : {given, proven, trial};
}

/** What the Deployment is to say where it is given a template: that one's own, and what is proven. */
export function annotationsFor(
  given: {readonly hash: string; readonly text: string | undefined},
  proven: string | undefined,
  refused?: object,
): Record<string, string> {
  return {
    [TEMPLATE]: given.hash,
    ...(proven !== undefined && {[PROVEN]: proven}),
    ...(given.text !== undefined && given.text !== proven && {[GIVEN]: given.text}),
    ...(refused && {[REFUSED]: JSON.stringify(refused)}),
  };
}

/** Whether these say that the template given with them has yet to run everywhere, in another's place. */
export function isOnTrial(annotations: Readonly<Record<string, string>>): boolean {
  return annotations[GIVEN] !== undefined;
}

/** The last template that ran everywhere, where the Deployment remembers one. */
export function provenTemplate(live: Deployment, observed: Observed): ServerTemplate | undefined {
  return recall(live, observed).proven?.template;
}

/**
 * Whether the Deployment was given the template of that hash, and whether that is still to run everywhere, in another's
 * place.
 */
export function standingOf(
  live: Deployment | undefined,
  hash: string | undefined,
  observed: Observed,
): {given: boolean; onTrial: boolean} {
  if (live === undefined || !isGiven(live, hash)) return {given: false, onTrial: false};
  return {given: true, onTrial: recall(live, observed).trial !== undefined};
}

/** Whether the Deployment was given the template of that hash. */
export function isGiven(live: Deployment | undefined, hash: string | undefined): boolean {
  return hash !== undefined && live?.metadata.annotations?.[TEMPLATE] === hash;
}

/**
 * What ran everywhere last, where the Deployment was given nothing else since, with all that it says of it: to give it
 * that once more replaces no pod. Undefined while another template is rolled out.
 */
export function provenAndGiven(live: Deployment, observed: Observed): Kept | undefined {
  const {given, proven} = recall(live, observed);
  return proven !== undefined && given === proven.hash ? keptAs(proven, live) : undefined;
}

/** What ran everywhere last, where the Deployment was given another template since that has not. */
export function provenNotGiven(live: Deployment, observed: Observed): Kept | undefined {
  const {given, proven} = recall(live, observed);
  return proven !== undefined && given !== proven.hash ? keptAs(proven, live) : undefined;
}

/** A proven template, with what the Deployment says of one that was refused. */
function keptAs(proven: Remembered, {metadata}: Deployment): Kept {
  const refused = metadata.annotations?.[REFUSED];
  const annotations = {
    ...annotationsFor(proven, proven.text),
    ...(refused !== undefined && {[REFUSED]: refused}),
  };
  return {template: proven.template, annotations};
}

// A pass asks several times, and mostly for the very template that it has just made.
const recent = new RecentMap<string, Remembered>(16);

/** A template as it is remembered; undefined for one that is too large. */
export function textOf(hash: string, template: ServerTemplate): string | undefined {
  const text = JSON.stringify({hash, template});
  if (Buffer.byteLength(text) > MAX_REMEMBERED) return undefined;
  recent.set(text, {hash, template, text});
  return text;
}

function rememberedIn(text: string | undefined): Remembered | undefined {
  if (text === undefined) return undefined;
  const known = recent.get(text);
  if (known !== undefined) return known;
  const found = read(text);
  if (found !== undefined) recent.set(text, found);
  return found;
}

function read(text: string): Remembered | undefined {
  const found: Partial<Remembered> | undefined = recordIn(text);
  // Whoever edited it took the way back away, and nothing else.
  if (found?.hash === undefined || found.template === undefined) return undefined;
  const {hash, template} = found;
  return shortHash(template) === hash ? {hash, template, text} : undefined;
}
