// The rules of the house: which room may import which. `npm run boundaries` checks them.
const rule = (name, comment, from, to) => ({
  name,
  comment,
  severity: 'error',
  from: {path: from},
  to: {path: to},
});

export default {
  forbidden: [
    rule(
      'api-stands-alone',
      'the resource is the vocabulary of every other room',
      '^src/api/',
      '^src/(?!api/)',
    ),
    rule(
      'kube-knows-no-auth',
      'talking to a cluster knows nothing of auth',
      '^src/kube/',
      '^src/(operator|server|database|backup|api)/',
    ),
    rule(
      'desired-is-pure',
      'a manifest is computed, never fetched',
      '^src/operator/desired/',
      '^(node:(fs|net|http|https|child_process|timers|tls|dns)|fs|net|http|https)(/|$)|^src/(server|backup|operator/(decide|observe|reconcile|plan|status))/|^src/kube/(client|reflector|workqueue|lease|events)|^src/support/clock|node_modules/(undici|pg|fastify)/',
    ),
    rule(
      'decide-is-pure',
      'what to do follows from what was seen, and from nothing else',
      '^src/operator/decide/',
      '^(node:(fs|net|http|https|child_process|timers|tls|dns)|fs|net|http|https)(/|$)|^src/operator/(observe|reconcile|plan|status)/|^src/kube/(client|reflector|workqueue|lease|events)|^src/support/clock|node_modules/(undici|pg|fastify)/',
    ),
    rule(
      'observe-only-looks',
      'whoever looks decides nothing and writes nothing',
      '^src/operator/observe/',
      '^src/operator/(reconcile|plan|status)/|^src/operator/decide/decide',
    ),
    rule(
      'status-is-pure',
      'conditions are computed once, from what was observed and decided',
      '^src/operator/status/',
      '^node:(fs|net|http|https|child_process)|^src/(server|backup)/|^src/operator/(observe|reconcile)/|^src/support/clock|node_modules/(undici|pg|fastify)/',
    ),
    rule(
      'server-knows-no-cluster',
      'the auth server runs anywhere',
      '^src/server/',
      '^src/(operator|kube|backup|api)/',
    ),
    rule(
      'database-is-below',
      'the database serves the rooms above it',
      '^src/database/',
      '^src/(operator|server|kube|backup|api)/',
    ),
    rule(
      'backup-is-its-own',
      'backup needs the database only',
      '^src/backup/',
      '^src/(operator|server|kube|api)/',
    ),
    rule(
      'operator-knows-no-server',
      'the operator knows the server by its routes and files only',
      '^src/operator/',
      '^src/(server|backup|audit)/',
    ),
    rule(
      'audit-reads-logs-alone',
      'a log is checked where there is nothing but the log',
      '^src/audit/',
      '^src/(?!audit/|support/)|node_modules/(pg|fastify|undici)/',
    ),
    rule(
      'attack-stands-outside',
      'an attack knows of the server what anybody does',
      '^src/attack/',
      '^src/(?!attack/|support/)|node_modules/',
    ),
    rule('support-is-below-all', 'support serves every room', '^src/support/', '^src/(?!support/)'),
    rule(
      'operator-only-reads-schema-version',
      'of the database the operator knows one number',
      '^src/operator/',
      '^src/database/(?!version\\.ts)',
    ),
    {name: 'no-circular', severity: 'error', from: {}, to: {circular: true}},
    {
      name: 'no-orphans',
      severity: 'error',
      from: {orphan: true, pathNot: ['\\.d\\.ts$', '^src/main\\.ts$']},
      to: {},
    },
  ],
  options: {
    doNotFollow: {path: 'node_modules'},
    tsPreCompilationDeps: true,
    tsConfig: {fileName: 'tsconfig.json'},
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default'],
    },
  },
};
