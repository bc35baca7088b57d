import {defineConfig} from 'vitest/config';

// Three projects, by what a test needs around it:
//   unit         nothing but this process
//   integration  real servers on loopback: PostgreSQL, an OpenID provider, an S3 server, a kube-apiserver;
//                and test/conformance, a file for each rule of the standards that the server keeps
//   e2e          a whole cluster; run inside `test/cluster/run`
export default defineConfig({
  test: {
    projects: [
      {test: {name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 10_000}},
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts', 'test/conformance/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          pool: 'forks',
          // They wait for servers more than they compute.
          maxWorkers: 3,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 300_000,
          pool: 'forks',
          fileParallelism: false,
          maxWorkers: 1,
          isolate: true,
        },
      },
    ],
    reporters: ['default', './test/support/tally-reporter.ts'],
  },
});
