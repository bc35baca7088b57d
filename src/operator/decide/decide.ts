import type {FieldError} from '../../api/v1alpha1/check.ts';
import type {FraiseQLAuth} from '../../api/v1alpha1/fraiseqlauth.ts';
import {MOVED_FIELD, moveProblem} from '../../api/v1alpha1/move.ts';
import type {ResolvedSpec} from '../../api/v1alpha1/resolve.ts';
import type {Instance} from '../desired/instance.ts';
import {names} from '../desired/names.ts';
import {child, type Observed} from '../observed.ts';
import {change} from './changing.ts';
import type {Decision, Step} from './decision.ts';
import {hibernation, waking} from './hibernation.ts';
import {upkeep} from './keeping.ts';
import {assessKeys} from './key-finding.ts';
import {missingChildren} from './missing.ts';
import {owning} from './owning.ts';
import {reading} from './reading.ts';
import {resolveSecrets} from './secrets.ts';
import {removals} from './tidy.ts';
import {versionOf} from './version.ts';

/** A missing claim is looked for again after this long, since claims are not watched. */
const CLAIM_AGAIN_MS = 15_000;

/** What every decision depends on besides the resource and what was observed of it. */
export interface Settings {
  /** What pods run where the spec names no image, and its version. */
  readonly image: string;
  readonly version: string;
  /** What that version needs of the database. */
  readonly schemaVersion: string;
  /** The cluster assigns user and group of pods. */
  readonly assignedIds?: boolean | undefined;
}

/**
 * What to do for a resource, from what is known of it: no I/O, and no clock but `now` (milliseconds since the epoch).
 *
 * The order, each only when what comes before it is there:
 *   spec valid → Secrets resolved → own keys → ServiceAccount, ConfigMap → check → migration → Deployment, HPA
 * A change is checked before it replaces what runs; until then, and if it fails, what ran last is kept up. Once something
 * runs, its Service, disruption budget and backup CronJob are kept up whatever is wrong elsewhere, as long as a backup's
 * own Secrets are there. What came to run everywhere is never taken away because something is wrong.
 */
export function decide(
  resource: FraiseQLAuth,
  observed: Observed,
  now: number,
  settings: Settings,
): Decision {
  const decision = decideActive(resource, observed, now, settings);
  if (decision.spec?.management !== 'Paused') return decision;
  const missing = missingChildren(resource, decision.spec, observed, decision.steps);
  return {...decision, steps: [], missing, requeueAfterMs: undefined};
}

function decideActive(resource: FraiseQLAuth, observed: Observed, now: number, settings: Settings): Decision {
  const {errors, spec, named} = reading(resource);
  if (spec === undefined) return invalid(errors, settings);
  const moved = movedFrom(resource, spec);
  if (moved !== undefined) return invalid([moved], settings);
  const {name, namespace, uid} = resource.metadata;
  const instance: Instance = {name, namespace, uid, spec, assignedIds: settings.assignedIds};
  const image = spec.image ?? settings.image;
  const release = {image, version: versionOf(image, settings)};
  const secrets = resolveSecrets(namespace, named, spec.database.urlSecretRef, observed);
  const keys = assessKeys(resource, spec, observed, now);
  const found = {...NOTHING, specErrors: errors, spec, ...release, secrets, keys};
  const keptUp = (): Step[] => upkeep(instance, observed, secrets, release);

  if (spec.runState === 'Hibernated') {
    const steps = [...hibernation(instance, observed), ...keptUp(), ...removals(instance, observed)];
    return {...found, steps};
  }
  const steps = [...owning(instance, observed), ...waking(instance, observed, now)];
  // Keys that are there rotate on, whatever is wrong elsewhere.
  if (keys.step?.secret !== undefined) steps.push(keys.step);
  const keysDueMs = soonest(now, keys.rotation.dueAt);
  if (secrets.problems.length > 0) {
    steps.push(...keptUp(), ...removals(instance, observed));
    return {...found, steps, requeueAfterMs: keysDueMs};
  }

  const {state: stateName} = names(instance);
  const state = child(observed, 'Secret', stateName);
  if (keys.step !== undefined && keys.step.secret === undefined) steps.push(keys.step);
  if (state === undefined) steps.push({kind: 'mint', what: 'state', name: stateName});
  if (keys.active === undefined || state === undefined) {
    steps.push(...keptUp());
    return {...found, steps, requeueAfterMs: keysDueMs};
  }

  const stateKey = Object.values((state['data'] ?? {}) as Record<string, string>).join();
  const asked = {resource, instance, release, schemaVersion: settings.schemaVersion, secrets, stateKey};
  const {steps: changes, retriesAt, ...changing} = change(asked, observed, now);
  steps.push(...changes);
  const claimMissing = [...(observed.claims?.values() ?? [])].includes(false);
  return {
    ...found,
    ...changing,
    steps,
    requeueAfterMs: soonest(
      now,
      ...retriesAt,
      keys.rotation.dueAt,
      claimMissing ? now + CLAIM_AGAIN_MS : undefined,
    ),
  };
}

/** Tokens name their issuer: one that moves while they are out would make them all invalid. */
function movedFrom({status}: FraiseQLAuth, spec: ResolvedSpec): FieldError | undefined {
  // If nothing ever served, nobody has a token.
  const told = status?.version?.current === undefined ? undefined : status.endpoints?.issuer;
  const message = told === undefined ? undefined : moveProblem(told, spec);
  return message === undefined ? undefined : {field: MOVED_FIELD, message};
}

/** Nothing is done for a spec that is not valid. */
function invalid(specErrors: readonly FieldError[], {image, version}: Settings): Decision {
  return {...NOTHING, specErrors, image, version};
}

const NOTHING = {
  spec: undefined,
  secrets: undefined,
  keys: undefined,
  template: undefined,
  proof: undefined,
  checkJob: undefined,
  migration: undefined,
  migrationJob: undefined,
  databaseHash: undefined,
  aliases: [],
  steps: [],
  missing: [],
  requeueAfterMs: undefined,
} as const;

/** Milliseconds until the first of these times. */
function soonest(now: number, ...times: (number | undefined)[]): number | undefined {
  const known = times.filter((each) => each !== undefined);
  return known.length === 0 ? undefined : Math.max(0, Math.min(...known) - now);
}
