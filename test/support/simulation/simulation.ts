import {FRAISEQLAUTH} from '../../../src/api/v1alpha1/group-version.ts';
import type {FraiseQLAuth} from '../../../src/api/v1alpha1/fraiseqlauth.ts';
import {controllerOf, RESOURCES, type KubeObject, type ResourceType} from '../../../src/kube/objects.ts';
import type {KeyAsker} from '../../../src/operator/observe/key-watch.ts';
import type {KeyMint} from '../../../src/operator/reconcile/mint.ts';
import {SimulatedApi} from './api.ts';
import {playControllers} from './controllers.ts';
import {NO_FAULTS, Tally, type Faults} from './faults.ts';
import {sameKey} from './keys.ts';
import {keysAt} from './kubelet.ts';
import {NAMESPACE, OperatorProcess} from './process.ts';
import {Random} from './random.ts';
import {ServiceWatch} from './service.ts';
import {SimulatedTime} from './time.ts';
import type {Outside} from './world.ts';

const KEY = {namespace: NAMESPACE, name: 'auth'};
const USER = 'user';
const OPERATOR = /^operator-/;
const AT_REST = ['Hibernated', 'Paused', 'PlanPending'];

// What was read of a resource is remembered by its uid, also from one test file to the next.
const COUNT = globalThis as {simulations?: number};

/** A cluster in memory with operators in it; time passes only as fast as all of them have something to do. */
export class Simulation {
  readonly time = new SimulatedTime();
  readonly random: Random;
  readonly tally = new Tally();
  readonly api: SimulatedApi;
  readonly operators: OperatorProcess[] = [];
  readonly service: ServiceWatch;
  readonly outside: Outside = {provider: 'accepts', podsBecomeReady: true};
  /** What operators that start from now on watch; empty: all namespaces. */
  namespaces: readonly string[] = [];
  /** What pods say of their keys. */
  askForKeys: KeyAsker = {
    pod: ({address}) => Promise.resolve(keysAt(this, address)),
    published: () => Promise.resolve(undefined),
  };
  /** Where the signing keys of operators that start from now on come from. */
  mintKey: KeyMint = sameKey;
  #faults: Faults = NO_FAULTS;
  #forbidden: ReadonlySet<string> = new Set();
  #started = 0;

  constructor(seed: number) {
    this.random = new Random(seed);
    this.api = new SimulatedApi(this.time, `u${(COUNT.simulations = (COUNT.simulations ?? 0) + 1)}`);
    this.service = new ServiceWatch(this);
    playControllers(this);
    this.secret('auth-db', {'database-url': 'postgres://app:secret@db/auth'});
    this.secret('keycloak-client', {'client-id': 'auth', 'client-secret': 'hush'});
    this.secret('s3', {'access-key-id': 'a', 'secret-access-key': 'b'});
  }

  get living(): OperatorProcess[] {
    return this.operators.filter((each) => !each.ended);
  }

  get leader(): OperatorProcess | undefined {
    return this.living.find((each) => each.leading);
  }

  start(skew: {offsetMs?: number; rate?: number} = {}): OperatorProcess {
    const operator = new OperatorProcess(`operator-${++this.#started}`, this, skew);
    operator.client.line.faults = this.#faults;
    operator.client.line.forbidden = this.#forbidden;
    // As the cluster does with a program that has ended.
    operator.onExit = () => void this.time.after(1000, () => this.start(skew));
    this.operators.push(operator);
    return operator;
  }

  set faults(faults: Faults) {
    this.#faults = faults;
    for (const each of this.operators) each.client.line.faults = faults;
  }

  get faults(): Faults {
    return this.#faults;
  }

  /** Operators have no rights in these namespaces. */
  set forbidden(namespaces: ReadonlySet<string>) {
    this.#forbidden = namespaces;
    for (const each of this.operators) each.client.line.forbidden = namespaces;
  }

  /** The API server goes away, or comes back. */
  outage(away: boolean): void {
    for (const each of this.living) {
      each.client.line.outage = away;
      if (away) each.client.cut();
    }
  }

  stopAll(): void {
    for (const each of this.living) each.kill();
  }

  get resource(): (FraiseQLAuth & KubeObject) | undefined {
    return this.api.get(FRAISEQLAUTH, KEY) as (FraiseQLAuth & KubeObject) | undefined;
  }

  /** Creates the resource, or gives it another spec. */
  spec(spec: Record<string, unknown>): void {
    const {apiVersion, kind} = FRAISEQLAUTH;
    const live = this.resource;
    if (live === undefined) {
      const object = {apiVersion, kind, metadata: KEY, spec};
      this.api.write(USER, {verb: 'create', type: FRAISEQLAUTH, object, manager: USER});
    } else {
      const object = {...live, spec} as unknown as KubeObject;
      this.api.write(USER, {verb: 'replace', type: FRAISEQLAUTH, object});
    }
  }

  secret(name: string, values: Record<string, string>): void {
    const data = Object.fromEntries(
      Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
    );
    const key = {namespace: NAMESPACE, name};
    const live = this.api.get(RESOURCES.Secret, key);
    const object: KubeObject = {apiVersion: 'v1', kind: 'Secret', metadata: live?.metadata ?? key, data};
    if (live === undefined) {
      this.api.write(USER, {verb: 'create', type: RESOURCES.Secret, object, manager: USER});
    } else this.api.write(USER, {verb: 'replace', type: RESOURCES.Secret, object});
  }

  delete(type: ResourceType, name: string): void {
    const key = {namespace: NAMESPACE, name};
    if (this.api.get(type, key) !== undefined) this.api.write(USER, {verb: 'delete', type, key});
  }

  edit(type: ResourceType, name: string, patch: Record<string, unknown>): void {
    const key = {namespace: NAMESPACE, name};
    if (this.api.get(type, key) !== undefined) this.api.write(USER, {verb: 'merge', type, key, patch});
  }

  /** What belongs to the resource, and what belongs to that. */
  belongings(): KubeObject[] {
    return this.api.list().filter((each) => each.metadata.ownerReferences !== undefined);
  }

  /** What was made for the resource. */
  children(): KubeObject[] {
    return this.belongings().filter((each) => controllerOf(each)?.kind === FRAISEQLAUTH.kind);
  }

  isReady(): boolean {
    const {metadata, status} = this.resource ?? {metadata: undefined, status: undefined};
    return (
      metadata !== undefined &&
      status?.observedGeneration === metadata.generation &&
      status.conditions?.find((each) => each.type === 'Ready')?.status === 'True'
    );
  }

  /** It says so of its present spec, by the reason of a condition. */
  says(reason: string): boolean {
    const {metadata, status} = this.resource ?? {};
    return (
      status?.observedGeneration === metadata?.generation &&
      status?.conditions?.some((each) => each.reason === reason) === true
    );
  }

  /** As a person wants it: ready, or at rest. */
  isAsWanted(): boolean {
    return this.isReady() || AT_REST.some((reason) => this.says(reason));
  }

  /** For a message: who lives, who leads, and what the resource says of itself. */
  unrest(): string {
    const conditions = this.resource?.status?.conditions
      ?.filter(({status}) => status !== 'True')
      .map(({type, status, reason, message}) => `${type}=${status} ${reason}: ${message}`);
    const living = this.living.map(({name, leading}) => `${name}${leading ? ' leads' : ''}`);
    return `${living.join(', ')}; ${this.resource?.metadata.generation} ${conditions?.join('; ')}`;
  }

  /** Goes on until the resource is as wanted and nobody has written for `quietMs`. False when that did not come. */
  async settle(withinMs = 20 * 60_000, quietMs = 30_000): Promise<boolean> {
    return this.rest(() => this.isAsWanted(), withinMs, quietMs);
  }

  /** Goes on until `holds`, and nobody has written for `quietMs`. */
  async rest(holds: () => boolean, withinMs = 20 * 60_000, quietMs = 30_000): Promise<boolean> {
    const until = this.time.now + withinMs;
    while (this.time.now < until) {
      if (!(await this.time.run(until - this.time.now, holds))) return false;
      const seen = this.writes.length;
      await this.time.run(quietMs, () => this.writes.length > seen);
      if (this.writes.length === seen && holds()) return true;
    }
    return false;
  }

  /** What operators wrote, without leases and events. */
  get writes() {
    return this.api.writes.filter(({by, kind}) => OPERATOR.test(by) && kind !== 'Lease' && kind !== 'Event');
  }
}
