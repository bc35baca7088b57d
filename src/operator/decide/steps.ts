import {RESOURCES, type KubeObject, type ResourceType} from '../../kube/objects.ts';
import type {Job} from '../workloads.ts';
import {ATTEMPT, GENERATION} from './attempts.ts';
import type {Step} from './decision.ts';

// Steps as they are made in several places.

/** A child is brought to what is desired; nothing, where there is to be none. */
export function apply(
  type: ResourceType,
  desired: KubeObject | undefined,
  needs: readonly string[] = [],
): Step[] {
  return desired === undefined ? [] : [{kind: 'apply', type, desired, needs}];
}

/** A Job is made, as this try of it, for this generation of the spec. */
export function attempt(
  desired: KubeObject,
  {attempt: number, supersedes}: {readonly attempt: number; readonly supersedes?: Job},
  generation: number,
  needs: readonly string[],
): Step {
  const annotations = {
    ...desired.metadata.annotations,
    [ATTEMPT]: String(number),
    [GENERATION]: String(generation),
  };
  return {
    kind: 'run',
    type: RESOURCES.Job,
    desired: {...desired, metadata: {...desired.metadata, annotations}},
    needs,
    ...(supersedes && {supersedes}),
  };
}
