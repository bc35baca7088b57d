import {FRAISEQLAUTH} from '../../../src/api/v1alpha1/group-version.ts';
import type {KubeClient} from '../../../src/kube/client.ts';
import {RESOURCES, type KubeObject, type ResourceType} from '../../../src/kube/objects.ts';
import {CHILD_TYPES} from '../../../src/operator/observe/scope.ts';
import type {Deployment, Job, Pod} from '../../../src/operator/workloads.ts';
import {completeJob, rollOut} from '../../support/controllers.ts';
import {eventually} from '../../support/eventually.ts';
import {IMAGE, type Stored} from '../../support/fraiseqlauths.ts';

/** One cluster as the test sees it: reads, and what kubelet and controllers would write. */
export class Observer {
  readonly #admin: KubeClient;
  readonly #namespace: string;

  constructor(admin: KubeClient, namespace: string) {
    this.#admin = admin;
    this.#namespace = namespace;
  }

  async resource(name = 'auth'): Promise<Stored> {
    const found = await this.#admin.get<Stored>(FRAISEQLAUTH, {namespace: this.#namespace, name});
    if (found === undefined) throw new Error(`there is no FraiseQLAuth ${name}`);
    return found;
  }

  /** The condition of a type, as `status/reason: message`. */
  async condition(type: string, name = 'auth'): Promise<{status: string; reason: string; message: string}> {
    const {status} = await this.resource(name);
    const found = status?.conditions?.find((each) => each.type === type);
    if (found === undefined) throw new Error(`no condition ${type} yet`);
    return found;
  }

  get<T extends KubeObject>(type: ResourceType, name: string): Promise<T | undefined> {
    return this.#admin.get<T>(type, {namespace: this.#namespace, name});
  }

  async list<T extends KubeObject>(type: ResourceType): Promise<T[]> {
    return (await this.#admin.list<T>(type, {namespace: this.#namespace})).items;
  }

  /** Every object of the operator's in the namespace, as `Kind/name`. */
  async children(): Promise<string[]> {
    const found = await Promise.all(CHILD_TYPES.map((type) => this.list<KubeObject>(type)));
    return found
      .flat()
      .filter((each) => each.metadata.ownerReferences?.some((owner) => owner.kind === 'FraiseQLAuth'))
      .map((each) => `${each.kind}/${each.metadata.name}`);
  }

  async migrationJob(): Promise<Job> {
    const jobs = await this.list<Job>(RESOURCES.Job);
    const found = jobs.find((each) => /-migrate-/.test(each.metadata.name));
    if (found === undefined) throw new Error('there is no migration Job yet');
    return found;
  }

  /** The Job that tries a change out comes, and finds nothing wrong. */
  async passCheck(): Promise<void> {
    await this.completeJob(await eventually(() => this.checkJob()));
  }

  /** A Job that tries a change out and is not at its end. */
  async checkJob(): Promise<Job> {
    const jobs = await this.list<Job>(RESOURCES.Job);
    const found = jobs.find(
      (each) => /-check-/.test(each.metadata.name) && (each.status?.conditions ?? []).length === 0,
    );
    if (found === undefined) throw new Error('there is no Job that tries a change out');
    return found;
  }

  completeJob(job: Job): Promise<void> {
    return completeJob(this.#admin, job);
  }

  /** As kubelet and Job controller would: its pod ended with that message, and so has the Job. */
  async failJob(job: Job, message: string): Promise<void> {
    const now = new Date().toISOString();
    const name = `${job.metadata.name}-${Math.random().toString(36).slice(2, 7)}`;
    await this.createPod(name, job, job.spec?.template?.metadata?.labels ?? {}, {
      phase: 'Failed',
      containerStatuses: [
        {
          name: 'migrate',
          image: IMAGE,
          imageID: '',
          ready: false,
          restartCount: 0,
          state: {terminated: {exitCode: 1, reason: 'Error', message}},
        },
      ],
    });
    await this.#admin.mergePatch(
      RESOURCES.Job,
      {namespace: this.#namespace, name: job.metadata.name},
      {
        status: {
          startTime: now,
          failed: 1,
          conditions: [
            {type: 'FailureTarget', status: 'True', reason: 'BackoffLimitExceeded', lastTransitionTime: now},
            {type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded', lastTransitionTime: now},
          ],
        },
      },
      {subresource: 'status'},
    );
  }

  /** A pod of the server that runs, as that Deployment wants it. */
  createServerPod(name: string, deployment: Deployment, address: string): Promise<Pod> {
    return this.createPod(name, deployment, deployment.spec?.template?.metadata?.labels ?? {}, {
      phase: 'Running',
      podIP: address,
      podIPs: [{ip: address}],
      startTime: new Date().toISOString(),
      conditions: [{type: 'Ready', status: 'True'}],
      containerStatuses: [
        {
          name: 'server',
          image: 'x',
          imageID: '',
          ready: true,
          restartCount: 0,
          state: {running: {startedAt: new Date().toISOString()}},
        },
      ],
    });
  }

  async createPod(
    name: string,
    owner: KubeObject,
    labels: Record<string, string>,
    status: Record<string, unknown>,
  ): Promise<Pod> {
    await this.#admin.create<KubeObject>(RESOURCES.Pod, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name,
        namespace: this.#namespace,
        labels,
        ownerReferences: [
          {
            apiVersion: owner.apiVersion,
            kind: owner.kind,
            name: owner.metadata.name,
            uid: owner.metadata.uid ?? '',
            controller: true,
          },
        ],
      },
      spec: {containers: [{name: 'server', image: IMAGE}]},
    });
    return this.#admin.mergePatch<Pod>(
      RESOURCES.Pod,
      {namespace: this.#namespace, name},
      {status},
      {subresource: 'status'},
    );
  }

  async rollOut(name = 'auth'): Promise<void> {
    const live = await this.get<Deployment>(RESOURCES.Deployment, name);
    if (live === undefined) throw new Error('there is no Deployment yet');
    await rollOut(this.#admin, live);
  }

  /** Plays all controllers until the resource is ready. */
  async becomeReady(name = 'auth'): Promise<void> {
    const job = await eventually(() => this.migrationJob());
    await this.completeJob(job);
    await eventually(() => this.rollOut(name));
    await eventually(async () => (await this.condition('Ready', name)).status === 'True' && true);
  }
}
