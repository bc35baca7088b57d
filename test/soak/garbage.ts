import {setTimeout as delay} from 'node:timers/promises';
import {FRAISEQLAUTH} from '../../src/api/v1alpha1/group-version.ts';
import type {KubeClient} from '../../src/kube/client.ts';
import type {KubeObject} from '../../src/kube/objects.ts';
import {OWNED_TYPES, childrenByOwner} from '../support/normalised.ts';

/** Plays the garbage collector, which no API server has by itself: children of a resource that is gone go as well. */
export function collectGarbage(client: KubeClient): {stop(): Promise<void>} {
  const ending = new AbortController();
  const turn = async (): Promise<void> => {
    const children = await childrenByOwner(client);
    const {items} = await client.list<KubeObject>(FRAISEQLAUTH, {metadataOnly: true});
    const there = new Set(items.map((each) => each.metadata.uid));
    for (const [owner, objects] of children) {
      if (there.has(owner)) continue;
      for (const object of objects) {
        const type = OWNED_TYPES.find((each) => each.kind === object.kind);
        if (type === undefined) continue;
        const {uid} = object.metadata;
        await client
          .delete(type, object.metadata, {uid, propagationPolicy: 'Background'})
          .catch(() => undefined);
      }
    }
  };
  const playing = (async () => {
    while (!ending.signal.aborted) {
      await turn();
      await delay(1000);
    }
  })();
  return {
    async stop() {
      ending.abort();
      await playing;
    },
  };
}
