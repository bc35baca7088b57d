// kubectl, as a person runs it: what these tests do to a cluster goes through here.
import {spawn} from 'node:child_process';

/** An object as kubectl prints it with `-o json`. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly {
      readonly kind: string;
      readonly name: string;
      readonly uid: string;
    }[];
    readonly deletionTimestamp?: string;
    readonly generation?: number;
  };
  readonly [field: string]: unknown;
}

export interface KubectlOptions {
  readonly namespace?: string;
  readonly input?: string;
  readonly timeoutMs?: number;
}

/** kubectl ended with another code than 0; the message is what it said. */
export class KubectlError extends Error {
  readonly stderr: string;
  readonly code: number | null;

  constructor(args: readonly string[], code: number | null, stderr: string) {
    super(`kubectl ${args.join(' ')}: ${stderr.trim() || `ended with ${String(code)}`}`);
    this.name = 'KubectlError';
    this.stderr = stderr;
    this.code = code;
  }
}

/** Runs kubectl and returns what it printed. Rejects with `KubectlError`, also past the deadline (60 s). */
export async function kubectl(args: readonly string[], options: KubectlOptions = {}): Promise<string> {
  return run('kubectl', options.namespace === undefined ? args : ['-n', options.namespace, ...args], options);
}

/** Runs helm, in the same manner. */
export async function helm(args: readonly string[], options: KubectlOptions = {}): Promise<string> {
  return run('helm', options.namespace === undefined ? args : ['-n', options.namespace, ...args], options);
}

/** `kubectl get … -o json`: one object. */
export async function getObject<T extends object = object>(
  resource: string,
  name: string,
  namespace?: string,
): Promise<Manifest & T> {
  return JSON.parse(await kubectl(['get', resource, name, '-o', 'json'], scope(namespace))) as Manifest & T;
}

/** `kubectl get … -o json`: all objects of some kinds (`pods,services`), narrowed by a label selector. */
export async function listObjects<T extends object = object>(
  resources: string,
  namespace: string,
  selector?: string,
): Promise<readonly (Manifest & T)[]> {
  const args = ['get', resources, '-o', 'json', ...(selector === undefined ? [] : ['-l', selector])];
  return (JSON.parse(await kubectl(args, {namespace})) as {items: (Manifest & T)[]}).items;
}

const SERVER_SIDE = ['apply', '--server-side', '--force-conflicts'];

/** `kubectl apply -f -` of objects; what kubectl said. */
export async function apply(objects: readonly object[], namespace?: string): Promise<string> {
  const documents = objects.map((object) => JSON.stringify(object)).join('\n---\n');
  return kubectl(['apply', '-f', '-'], {input: documents, ...scope(namespace)});
}

/**
 * Brings objects up that several tests may want at once: by server-side apply, for with kubectl's own the second of two
 * who find nothing is refused.
 */
export async function ensure(objects: readonly object[], namespace?: string): Promise<string> {
  const documents = objects.map((object) => JSON.stringify(object)).join('\n---\n');
  return kubectl([...SERVER_SIDE, '-f', '-'], {input: documents, ...scope(namespace)});
}

/** As `ensure()`, from a file or directory. */
export async function ensureFile(path: string, namespace?: string): Promise<string> {
  return kubectl([...SERVER_SIDE, '-f', path], scope(namespace));
}

/** `kubectl delete …`, not an error where it is not there. */
export async function remove(resource: string, name: string, namespace?: string): Promise<void> {
  await kubectl(['delete', resource, name, '--ignore-not-found', '--wait=true'], {
    ...scope(namespace),
    timeoutMs: 120_000,
  });
}

/** `kubectl create secret generic`, replacing what is there. */
export async function secret(
  namespace: string,
  name: string,
  data: Readonly<Record<string, string>>,
): Promise<void> {
  await apply([{apiVersion: 'v1', kind: 'Secret', metadata: {name}, stringData: data}], namespace);
}

/** `kubectl rollout status`: returns when all its pods are there and ready. */
export async function rolledOut(workload: string, namespace: string, timeoutMs = 120_000): Promise<void> {
  await kubectl(['rollout', 'status', workload, `--timeout=${timeoutMs / 1000}s`], {
    namespace,
    timeoutMs: timeoutMs + 5000,
  });
}

/** `kubectl wait`: `what` as in `job/x`, `condition` as in `condition=complete` or `delete`. */
export async function waitFor(
  what: string,
  condition: string,
  namespace: string,
  timeoutMs = 120_000,
  selector?: string,
): Promise<void> {
  const narrowed = selector === undefined ? [] : ['-l', selector];
  await kubectl(['wait', what, `--for=${condition}`, `--timeout=${timeoutMs / 1000}s`, ...narrowed], {
    namespace,
    timeoutMs: timeoutMs + 5000,
  });
}

function scope(namespace: string | undefined): {namespace?: string} {
  return namespace === undefined ? {} : {namespace};
}

async function run(program: string, args: readonly string[], options: KubectlOptions): Promise<string> {
  const child = spawn(program, args, {stdio: ['pipe', 'pipe', 'pipe'], timeout: options.timeoutMs ?? 60_000});
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  child.stdin.on('error', (error) => err.push(Buffer.from(String(error))));
  child.stdin.end(options.input ?? '');
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const stdout = Buffer.concat(out).toString('utf8');
  if (code !== 0)
    throw new KubectlError(
      [program === 'kubectl' ? '' : program, ...args].filter(Boolean),
      code,
      `${Buffer.concat(err).toString('utf8')}${code === null ? ' (past its deadline)' : ''}`,
    );
  return stdout;
}
