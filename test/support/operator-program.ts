import {spawn, type ChildProcess} from 'node:child_process';
import {once} from 'node:events';
import {MAIN} from './main-module.ts';
import {freePort} from './ports.ts';

/** `fraiseql-auth operator` as a process of its own. */
export interface OperatorProgram {
  readonly process: ChildProcess;
  readonly output: () => string;
  /** Text of a path on the port of health checks, or of metrics. @throws Error with status and text */
  health(path: string): Promise<string>;
  metrics(): Promise<string>;
  /** Resolves with the code (or the signal) when it has ended. */
  ended(): Promise<string>;
}

export async function startOperator(
  kubeconfig: string,
  image: string,
  env: Record<string, string> = {},
): Promise<OperatorProgram> {
  const [health, metrics] = [await freePort(), await freePort()];
  const child = spawn(process.execPath, [MAIN, 'operator'], {
    env: {
      PATH: process.env['PATH'],
      KUBECONFIG: kubeconfig,
      OPERATOR_IMAGE: image,
      POD_NAMESPACE: 'default',
      HEALTH_PORT: String(health),
      METRICS_PORT: String(metrics),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout?.on('data', (data: Buffer) => (output += data.toString()));
  child.stderr?.on('data', (data: Buffer) => (output += data.toString()));
  const get = async (port: number, path: string): Promise<string> => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`);
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    return answer.text();
  };
  return {
    process: child,
    output: () => output,
    health: (path) => get(health, path),
    metrics: () => get(metrics, '/metrics'),
    async ended() {
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      return String(child.exitCode ?? child.signalCode);
    },
  };
}
