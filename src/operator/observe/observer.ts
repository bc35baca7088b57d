import type {FraiseQLAuth} from '../../api/v1alpha1/fraiseqlauth.ts';
import {parseKey, type KubeObject} from '../../kube/objects.ts';
import type {Clock} from '../../support/clock.ts';
import {asksForKeys} from '../decide/key-finding.ts';
import {reading} from '../decide/reading.ts';
import {namesOf, secretsToRead} from '../decide/secrets.ts';
import {names} from '../desired/names.ts';
import {keysIn} from '../key-view.ts';
import type {Observed} from '../observed.ts';
import {serves} from '../workloads.ts';
import type {Caches} from './caches.ts';
import type {ClaimReader} from './claim-reader.ts';
import {FirstSeen} from './first-seen.ts';
import type {KeyWatch} from './key-watch.ts';
import type {LogReader} from './log-reader.ts';
import type {Prober} from './prober.ts';
import type {SecretReader} from './secret-reader.ts';

export interface ObserverOptions {
  readonly caches: Pick<Caches, 'childrenOf' | 'podsOf' | 'replicaSetsOf'>;
  readonly secrets: Pick<SecretReader, 'read' | 'forget'>;
  readonly claims: Pick<ClaimReader, 'look'>;
  readonly logs: Pick<LogReader, 'lastLines'>;
  readonly prober: Pick<Prober, 'report' | 'forget'>;
  readonly keyWatch: Pick<KeyWatch, 'heard' | 'forget'>;
  readonly clock: Pick<Clock, 'now' | 'monotonic'>;
}

/** Gathers what is known of one resource: what the watches have shown, and what has to be asked for besides. */
export class Observer {
  readonly #options: ObserverOptions;
  readonly #firstSeen: FirstSeen;

  constructor(options: ObserverOptions) {
    this.#options = options;
    this.#firstSeen = new FirstSeen(options.clock);
  }

  /** @throws ApiError where a Secret, a claim or a log cannot be read */
  async observe(key: string, resource: FraiseQLAuth, signal: AbortSignal): Promise<Observed> {
    const {caches, secrets, claims, logs, prober} = this.#options;
    const {namespace} = resource.metadata;
    const {named} = reading(resource);
    const children = caches.childrenOf(resource);
    const pods = caches.podsOf(resource);
    const views = await secrets.read(key, namespace, secretsToRead(named, pods), signal);
    return {
      secrets: views,
      claims: await claims.look(namespace, namesOf(named, 'PersistentVolumeClaim'), signal),
      children,
      signingKeys: keysIn(children.get(`Secret/${names(resource.metadata).signingKeys}`)),
      pods,
      replicaSets: caches.replicaSetsOf(resource),
      logLines: await logs.lastLines(pods, signal),
      ...this.#moments(key, resource, children),
      health: children.has(`Deployment/${names(resource.metadata).server}`) ? prober.report(key) : undefined,
      ...this.heardOfKeys(key, resource, {children, pods}),
    };
  }

  /** The same, now that these are its children. */
  again(key: string, resource: FraiseQLAuth, observed: Observed): Observed {
    return {...observed, ...this.#moments(key, resource, observed.children)};
  }

  /** Pods are asked what they do with keys only while that decides something. */
  heardOfKeys(
    key: string,
    resource: FraiseQLAuth,
    {children, pods}: Pick<Observed, 'children' | 'pods'>,
  ): Pick<Observed, 'keyAnswers' | 'publicKids'> {
    const {keyWatch} = this.#options;
    const {spec} = reading(resource);
    if (spec !== undefined && asksForKeys(resource, spec, children)) {
      return keyWatch.heard(key, pods.filter(serves), spec.publicURL);
    }
    keyWatch.forget(key);
    return {};
  }

  /** The resource is gone, and so is the interest in it. */
  async forget(key: string): Promise<void> {
    const {secrets, prober, keyWatch} = this.#options;
    prober.forget(key);
    keyWatch.forget(key);
    this.#firstSeen.forget(key);
    await secrets.forget(key, parseKey(key).namespace ?? '');
  }

  #moments(
    key: string,
    {status}: FraiseQLAuth,
    children: ReadonlyMap<string, KubeObject>,
  ): Pick<Observed, 'firstSeen' | 'monotonic'> {
    return {
      firstSeen: this.#firstSeen.look(key, status, children.values()),
      monotonic: this.#options.clock.monotonic(),
    };
  }
}
