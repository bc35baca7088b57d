import {RESOURCES, type KubeObject} from '../../kube/objects.ts';
import {isSubset} from '../../kube/subset.ts';
import {childMeta, type Component} from '../desired/children.ts';
import type {Instance} from '../desired/instance.ts';
import {names} from '../desired/names.ts';
import {childrenOf, type Observed} from '../observed.ts';
import type {Step} from './decision.ts';

/** By the names of Jobs: a label may be what is missing. */
const JOB = /-(?<what>check|migrate)-[0-9a-f]+$/;

/**
 * Gives Secrets and Jobs their labels and their owner back. They are made once and never applied, so nothing else would;
 * and without its labels no watch shows an object.
 */
export function owning(instance: Instance, observed: Observed): Step[] {
  const {signingKeys, state} = names(instance);
  const steps: Step[] = [];
  const keep = (object: KubeObject, component: Component): void => {
    const {name, uid, deletionTimestamp} = object.metadata;
    // What is only planned has none.
    if (uid === undefined || deletionTimestamp !== undefined) return;
    const {apiVersion, kind} = object;
    const desired = {apiVersion, kind, metadata: childMeta(instance, name, component)};
    const type = kind === 'Job' ? RESOURCES.Job : RESOURCES.Secret;
    if (!isOwned(desired, object)) steps.push({kind: 'own', type, object, desired});
  };
  for (const each of childrenOf(observed, 'Secret')) {
    if ([signingKeys, state].includes(each.metadata.name)) keep(each, 'server');
  }
  for (const each of childrenOf(observed, 'Job')) {
    // A backup is its CronJob's, and one that a person began may have any name.
    if (each.metadata.ownerReferences?.some(({kind}) => kind === 'CronJob')) continue;
    const what = JOB.exec(each.metadata.name)?.groups?.['what'];
    if (what !== undefined) keep(each, what === 'check' ? 'check' : 'migration');
  }
  return steps;
}

/** Whether an object has the labels and the owner that it has to have. */
export function isOwned(desired: KubeObject, live: KubeObject): boolean {
  return isSubset(marks(desired), marks(live));
}

/** By which an object is ours. */
export function marks({metadata: {labels = {}, ownerReferences = []}}: KubeObject) {
  return {metadata: {labels, ownerReferences}};
}
