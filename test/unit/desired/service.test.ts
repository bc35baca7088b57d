import {describe, expect, test} from 'vitest';
import {service, type Scheme} from '../../../src/operator/desired/service.ts';
import {instance} from '../../fixtures/desired.ts';
import {developmentSpec, fullSpec} from '../../fixtures/specs.ts';

describe('the Service', () => {
  const ports = (spec: unknown, ...running: Scheme[]) =>
    (
      service(instance(spec), new Set(running))['spec'] as {ports: {port: number; targetPort: string}[]}
    ).ports.map(({port, targetPort}) => `${port} ${targetPort}`);

  test('leads to the port that the pods have', () => {
    expect(ports(developmentSpec())).toEqual(['80 http']);
    expect(ports(fullSpec())).toEqual(['443 https']);
    expect(service(instance(fullSpec()))['spec']).toMatchObject({
      ports: [{name: 'https', appProtocol: 'https'}],
    });
  });

  test('has both while pods of both kinds run', () => {
    expect(ports(fullSpec(), 'http')).toEqual(['443 https', '80 http']);
    expect(ports(fullSpec(), 'http', 'https')).toEqual(['443 https', '80 http']);
    expect(ports(developmentSpec(), 'https')).toEqual(['80 http', '443 https']);
    expect(ports(developmentSpec(), 'http')).toEqual(['80 http']);
  });
});
