import {FRAISEQLAUTH} from '../../../src/api/v1alpha1/group-version.ts';
import type {KubeClient} from '../../../src/kube/client.ts';
import {keyOf, RESOURCES, type KubeObject, type ResourceType} from '../../../src/kube/objects.ts';
import type {Stored} from '../../support/fraiseqlauths.ts';
import {LatencyMeter, type Latencies} from './latency.ts';
import {Watcher} from './watcher.ts';
import {keysOf, OURS, PAUSE_MS} from './world.ts';

/** A child as it is applied. */
export interface Manifest {
  readonly type: ResourceType;
  readonly object: KubeObject;
}

/**
 * How long the least that an operator can be takes to follow: it watches, applies the autoscaler of a spec that has
 * changed and creates a Service that is gone, with nothing compared, queued, or written of it.
 */
export async function measureBareOperator(
  client: KubeClient,
  prepared: readonly {readonly resource: Stored; readonly children: readonly Manifest[]}[],
  samples: number,
): Promise<Latencies> {
  const childOf = (kind: string): Map<string, Manifest> =>
    new Map(
      prepared.flatMap(({resource, children}) =>
        children.filter(({object}) => object.kind === kind).map((each) => [keyOf(resource.metadata), each]),
      ),
    );
  const autoscalers = childOf('HorizontalPodAutoscaler');
  const services = childOf('Service');
  const failures: unknown[] = [];
  const follow = (work: Promise<unknown>): void => void work.catch((error: unknown) => failures.push(error));
  const specs = new Watcher<Stored>(client, FRAISEQLAUTH, undefined, ({type, object}) => {
    const autoscaler = autoscalers.get(keyOf(object.metadata));
    const maxReplicas = object.spec.autoscaling?.maxReplicas;
    if (type !== 'modified' || autoscaler === undefined || maxReplicas === undefined) return;
    const spec = {...(autoscaler.object['spec'] as object), maxReplicas};
    follow(client.apply(autoscaler.type, {...autoscaler.object, spec}, {fieldManager: 'floor', force: true}));
  });
  const children = new Watcher<KubeObject>(client, RESOURCES.Service, OURS, ({type, object}) => {
    const service = services.get(keyOf(object.metadata));
    if (type === 'deleted' && service !== undefined) follow(client.create(service.type, service.object));
  });
  const meter = new LatencyMeter(client);
  try {
    await Promise.all([specs.start(), children.start(), meter.start()]);
    const latencies = await meter.measure(keysOf(prepared.map(({resource}) => resource)), samples, PAUSE_MS);
    if (failures.length > 0) throw new AggregateError(failures, 'the bare operator could not follow');
    return latencies;
  } finally {
    await Promise.all([specs.stop(), children.stop(), meter.stop()]);
  }
}
