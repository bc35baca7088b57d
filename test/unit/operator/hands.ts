import {KEY_LIST, keyList, RING, writeRing} from '../../../src/operator/desired/key-ring.ts';
import {stepId, type Step} from '../../../src/operator/decide/decision.ts';
import {NEW} from '../../../src/operator/decide/key-rotation.ts';
import type {KubeObject} from '../../../src/kube/objects.ts';
import {valueHash} from '../../../src/operator/key-view.ts';
import {isCheck, iso, secretObject} from './objects.ts';
import type {World} from './world.ts';

/** What an operator does to the world around it: the steps that were decided, each done at once. */
export class Hands {
  readonly #world: World;
  #version = 0;
  #minted = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** Takes one, and says what that did. */
  take(step: Step): string[] {
    const id = stepId(step);
    switch (step.kind) {
      case 'mint':
        this.#world.children.set(id, secretObject(step.name, this.#world.uid));
        return [`mint ${id}`];
      case 'keys':
        return [`${this.#turnKeys(step)} ${id}`];
      case 'patch': {
        // Another step may just have changed it.
        const live = this.#world.children.get(id) ?? step.object;
        const {annotations, ...metadata} = live.metadata;
        const kept = Object.entries({...annotations, ...step.patch.metadata?.annotations}).filter(
          (entry): entry is [string, string] => entry[1] !== null,
        );
        const desired = live['desired'] as {spec: Record<string, unknown>} | undefined;
        const astray = Object.entries(step.patch.spec).some(
          ([name, value]) => name in (desired?.spec ?? {}) && desired?.spec[name] !== value,
        );
        const moves = Object.keys(step.patch.spec).length > 0 ? 1 : 0;
        this.#world.children.set(id, {
          ...live,
          desired: astray ? undefined : desired,
          metadata: {
            ...metadata,
            annotations: Object.fromEntries(kept),
            generation: (metadata.generation ?? 0) + moves,
          },
          spec: {...(live['spec'] as object), ...step.patch.spec},
        });
        return [`patch ${id}`];
      }
      case 'own':
        this.#world.children.set(id, {
          ...step.object,
          metadata: {...step.object.metadata, ...step.desired.metadata},
        });
        return [`own ${id}`];
      case 'delete':
        this.#world.children.delete(id);
        return this.#world.checks === 'instant' && isCheck(step.object) ? [] : [`delete ${id}`];
      case 'run':
      case 'apply': {
        const live = this.#world.children.get(id);
        if (step.kind === 'apply' && JSON.stringify(live?.['desired']) === JSON.stringify(step.desired))
          return [];
        const spec = {...(step.desired['spec'] as object | undefined)};
        if (step.kind === 'apply' && step.initially) {
          const initial = step.initially['spec'] as object;
          Object.assign(
            spec,
            live === undefined ? initial : {replicas: (live['spec'] as {replicas?: number}).replicas},
          );
        }
        this.#world.children.set(id, {
          ...step.desired,
          ...('spec' in step.desired && {spec}),
          desired: step.desired,
          applied: Object.keys(step.desired.metadata.annotations ?? {}),
          metadata: {
            ...step.desired.metadata,
            ...(step.kind === 'apply' && {annotations: annotationsAfter(live, step.desired)}),
            uid: `uid-${id}-${++this.#version}`,
            generation:
              (live?.metadata.generation ?? 0) +
              (JSON.stringify(live?.['spec']) === JSON.stringify(spec) && live !== undefined ? 0 : 1),
            creationTimestamp: iso(this.#world.now),
          },
          ...(live?.['status'] !== undefined && step.kind === 'apply' && {status: statusAfter(live, spec)}),
        });
        if (step.kind === 'run' && this.#world.checks === 'instant' && isCheck(step.desired)) {
          this.#world.endCheck();
          return [];
        }
        return [`${live === undefined ? 'create' : step.kind === 'run' ? 'recreate' : 'update'} ${id}`];
      }
      default:
        return step satisfies never;
    }
  }

  /** As `writeKeys` does, with names in place of material. */
  #turnKeys({rotation, name}: Extract<Step, {kind: 'keys'}>): string {
    const kid = `k-${rotation.mint}${this.#minted++ === 0 ? '' : `-${this.#minted}`}`;
    const ring = {
      ...rotation.ring,
      keys: rotation.ring.keys.map((each) => (each.kid === NEW ? {...each, kid} : each)),
    };
    const signer = ring.keys.find(({state}) => state === 'Signing');
    const kept = (this.#world.signingKeys ?? []).filter((each) => !rotation.drop.includes(each.kid));
    const made = rotation.mint === undefined ? [] : [{kid, algorithm: rotation.mint}];
    this.#world.signingKeys = [...kept, ...made].map((each) => ({...each, signs: each.kid === signer?.kid}));
    const secret = secretObject(name, this.#world.uid);
    this.#world.children.set(`Secret/${name}`, {
      ...secret,
      metadata: {...secret.metadata, annotations: {[RING]: writeRing(ring)}},
      data: {[KEY_LIST]: valueHash(keyList(ring.keys))},
    });
    return rotation.mint === undefined ? 'update' : 'mint';
  }
}

/** What was applied before and is not any more goes; what was never applied stays. */
function annotationsAfter(live: KubeObject | undefined, desired: KubeObject): Record<string, string> {
  const applied = (live?.['applied'] ?? []) as readonly string[];
  const before = Object.entries(live?.metadata.annotations ?? {});
  const others = before.filter(([name]) => !applied.includes(name));
  return {...Object.fromEntries(others), ...desired.metadata.annotations};
}

/** What changes neither the pods nor their number, the Deployment controller has seen at once. */
function statusAfter(live: KubeObject, spec: Record<string, unknown>): unknown {
  const status = live['status'] as {observedGeneration?: number};
  const [before, now] = [live['spec'] as Record<string, unknown>, spec].map((each) =>
    JSON.stringify({...each, minReadySeconds: undefined}),
  );
  const {generation} = live.metadata;
  const quiet = before === now && JSON.stringify(live['spec']) !== JSON.stringify(spec);
  return quiet && status.observedGeneration === generation
    ? {...status, observedGeneration: (generation ?? 0) + 1}
    : status;
}
