import {setTimeout as delay} from 'node:timers/promises';
import {FRAISEQLAUTH} from '../../../src/api/v1alpha1/group-version.ts';
import type {KubeClient} from '../../../src/kube/client.ts';
import {RESOURCES, type KubeObject} from '../../../src/kube/objects.ts';
import type {Deployment, Job} from '../../../src/operator/workloads.ts';
import {completeJob, isComplete, isRolledOut, rollOut} from '../../support/controllers.ts';
import type {Stored} from '../../support/fraiseqlauths.ts';
import {childrenByOwner, normalised, OWNED_TYPES} from '../../support/normalised.ts';

/** What one resource and its children come to. */
export interface Sight {
  readonly resource: Stored;
  readonly children: readonly KubeObject[];
  /** Without what chance and history put into it; it takes a while. */
  state(): readonly string[];
}

/** All namespaces at a time: for many small scenarios side by side, which cost as little as one. */
export class WholeCluster {
  readonly #admin: KubeClient;

  constructor(admin: KubeClient) {
    this.#admin = admin;
  }

  /** The resources by namespace, each namespace with one. */
  async see(): Promise<Map<string, Sight>> {
    const [children, {items}] = await Promise.all([
      childrenByOwner(this.#admin),
      this.#admin.list<Stored>(FRAISEQLAUTH),
    ]);
    return new Map(
      items.map((resource) => {
        const its = children.get(resource.metadata.uid) ?? [];
        return [
          resource.metadata.namespace,
          {resource, children: its, state: () => normalised(resource, its)},
        ];
      }),
    );
  }

  /** Resolves when nothing in the cluster changes any more, for longer than an operator leaves anything for later. */
  async rest(): Promise<void> {
    let before = '';
    for (;;) {
      const now = await this.#versions();
      if (now === before) return;
      before = now;
      await delay(500);
    }
  }

  /** Plays the controllers until stopped: Jobs succeed, Deployments roll out. */
  play(): {stop(): Promise<void>} {
    const ending = new AbortController();
    const playing = (async () => {
      while (!ending.signal.aborted) {
        // An object may go between the list and the patch; the next turn sees it.
        await this.#turn().catch(() => undefined);
        await delay(80);
      }
    })();
    return {
      async stop() {
        ending.abort();
        await playing;
      },
    };
  }

  /** As the garbage collector: what belongs to a resource that is gone goes as well. Resolves when nothing is left to go. */
  async collect(): Promise<void> {
    for (;;) {
      const children = await childrenByOwner(this.#admin);
      const {items} = await this.#admin.list<Stored>(FRAISEQLAUTH);
      for (const {metadata} of items) children.delete(metadata.uid);
      const left = [...children.values()].flat();
      if (left.length === 0) return;
      await Promise.all(left.map((each) => this.#remove(each)));
    }
  }

  async #remove({kind, metadata}: KubeObject): Promise<void> {
    const type = OWNED_TYPES.find((each) => each.kind === kind);
    if (type === undefined) throw new TypeError(`no child of a resource is a ${kind}`);
    await this.#admin.delete(type, metadata, {uid: metadata.uid, propagationPolicy: 'Background'});
  }

  async #turn(): Promise<void> {
    const [jobs, deployments] = await Promise.all([
      this.#admin.list<Job>(RESOURCES.Job),
      this.#admin.list<Deployment>(RESOURCES.Deployment),
    ]);
    await Promise.allSettled([
      ...jobs.items
        .filter((job) => !isComplete(job) && job.metadata.deletionTimestamp === undefined)
        .map((job) => completeJob(this.#admin, job)),
      ...deployments.items.filter((live) => !isRolledOut(live)).map((live) => rollOut(this.#admin, live)),
    ]);
  }

  async #versions(): Promise<string> {
    const seen = await this.see();
    return [...seen.values()]
      .flatMap(({resource, children}) => [resource, ...children])
      .map(({metadata}) => `${metadata.uid} ${metadata.resourceVersion}`)
      .join();
  }
}
