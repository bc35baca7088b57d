import {defineConfig} from 'vitest/config';

// The projects, by what a test needs around it:
//   unit         nothing but this process
//   integration  real servers on loopback: PostgreSQL, an OpenID provider, an S3 server, a kube-apiserver
//   conformance  a file for each rule of the standards that the server keeps, and one for each attack: many and small, so
//                that the files of a worker share their servers
//   e2e          a whole cluster; run inside `test/cluster/run`: first, one after the other, what installs the operator or
//                takes times; then the rest side by side, for each has namespaces of its own and mostly waits
//   e2e-own      beside the rest, what only the cluster of `test/cluster/run` itself can show, not one that was brought: its
//                audit log; and its Services from within, for a port-forward ends with the pod that it leads to
const ALONE = ['test/e2e/install.test.ts', 'test/e2e/journey.test.ts'];
const OWN = ['outages', 'silence', 'rollout', 'rollout-refused'].map((name) => `test/e2e/${name}.test.ts`);
const CLUSTER = {
  testTimeout: 480_000,
  hookTimeout: 600_000,
  pool: 'forks' as const,
  isolate: true,
  globalSetup: ['./test/e2e/support/guest.ts'],
};
const SIDE_BY_SIDE = {maxWorkers: 7, sequence: {groupOrder: 2}};

/**
 * Real servers: the tests wait for them more than they compute. The files of a worker share their modules, which take a
 * second of a processor to load: what a file starts it ends, and what a module remembers of it with it.
 */
const SERVERS = {
  testTimeout: 240_000,
  hookTimeout: 240_000,
  pool: 'forks' as const,
  isolate: false,
  maxWorkers: 4,
  globalSetup: ['./test/support/shared-postgres-setup.ts', './test/support/shared-apiserver-setup.ts'],
};

export default defineConfig({
  test: {
    projects: [
      {test: {name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 120_000, isolate: false}},
      {
        test: {
          ...SERVERS,
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
        },
      },
      {
        test: {
          ...SERVERS,
          name: 'conformance',
          include: ['test/conformance/**/*.test.ts', 'test/attack/**/*.test.ts'],
        },
      },
      {
        test: {
          ...CLUSTER,
          name: 'e2e-alone',
          include: ALONE,
          fileParallelism: false,
          maxWorkers: 1,
          sequence: {groupOrder: 1},
        },
      },
      {
        test: {
          ...CLUSTER,
          name: 'e2e',
          include: ['test/e2e/*.test.ts'],
          exclude: [...ALONE, ...OWN],
          ...SIDE_BY_SIDE,
        },
      },
      {test: {...CLUSTER, name: 'e2e-own', include: OWN, ...SIDE_BY_SIDE}},
    ],
    reporters: ['default', './test/support/tally-reporter.ts'],
  },
});
