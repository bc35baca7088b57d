// What the operator may do, once: the roles in config/ and in the chart are made from these tables.

export interface Rule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
  resourceNames?: string[];
}

const READ = ['get', 'list', 'watch'];
const OWN = [...READ, 'create', 'patch', 'delete'];
const GROUP = 'auth.fraiseql.dev';

/** In every namespace that it watches. */
export const OPERATOR_RULES: Rule[] = [
  {apiGroups: [GROUP], resources: ['fraiseqlauths'], verbs: READ},
  {apiGroups: [GROUP], resources: ['fraiseqlauths/status'], verbs: ['patch']},
  // Where the cluster asks for it before an owner reference may block a deletion (OpenShift does).
  {apiGroups: [GROUP], resources: ['fraiseqlauths/finalizers'], verbs: ['update']},
  // A Service and a Deployment are never deleted. Where the cluster guards owner references (OpenShift does), only who may
  // delete an object may give it its owner back.
  {apiGroups: [''], resources: ['configmaps', 'serviceaccounts', 'services'], verbs: OWN},
  // What was minted is never thrown away: it goes with its owner.
  {apiGroups: [''], resources: ['secrets'], verbs: [...READ, 'create', 'patch']},
  {apiGroups: [''], resources: ['pods'], verbs: READ},
  {apiGroups: [''], resources: ['pods/log'], verbs: ['get']},
  // Whether the one that backups go to is there.
  {apiGroups: [''], resources: ['persistentvolumeclaims'], verbs: ['get']},
  {apiGroups: ['apps'], resources: ['deployments'], verbs: OWN},
  {apiGroups: ['apps'], resources: ['replicasets'], verbs: READ},
  {apiGroups: ['autoscaling'], resources: ['horizontalpodautoscalers'], verbs: OWN},
  {apiGroups: ['batch'], resources: ['cronjobs', 'jobs'], verbs: OWN},
  {apiGroups: ['policy'], resources: ['poddisruptionbudgets'], verbs: OWN},
  {apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create', 'patch']},
];

/** In its own namespace: one of several replicas leads, by a lease of that name. */
export const leaderRules = (lease: string): Rule[] => [
  // Whoever creates names nothing yet, so that no name can be asked for.
  {apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['create']},
  {
    apiGroups: ['coordination.k8s.io'],
    resources: ['leases'],
    resourceNames: [lease],
    verbs: ['get', 'update'],
  },
];

const NAME = 'fraiseql-auth-operator';
const RBAC = 'rbac.authorization.k8s.io/v1';
const labels = {'app.kubernetes.io/name': NAME, 'app.kubernetes.io/part-of': 'fraiseql-auth'};
const subjects = [{kind: 'ServiceAccount', name: NAME, namespace: 'fraiseql-auth-system'}];

const role = (
  kind: 'Role' | 'ClusterRole',
  name: string,
  rules: Rule[],
  more: Record<string, string> = {},
) => ({
  apiVersion: RBAC,
  kind,
  metadata: {name, labels: {...labels, ...more}},
  rules,
});
const binding = (kind: 'Role' | 'ClusterRole', name: string) => ({
  apiVersion: RBAC,
  kind: `${kind}Binding`,
  metadata: {name, labels},
  roleRef: {apiGroup: 'rbac.authorization.k8s.io', kind, name},
  subjects,
});

/** People who may view or edit a namespace may do the same with its FraiseQLAuths. */
export const PEOPLE_RULES = {
  view: [{apiGroups: [GROUP], resources: ['fraiseqlauths', 'fraiseqlauths/status'], verbs: READ}],
  edit: [
    {
      apiGroups: [GROUP],
      resources: ['fraiseqlauths', 'fraiseqlauths/scale'],
      verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
    },
  ],
} satisfies Record<string, Rule[]>;
const AGGREGATE = 'rbac.authorization.k8s.io/aggregate-to-';

const leader = [role('Role', `${NAME}-leader`, leaderRules(NAME)), binding('Role', `${NAME}-leader`)];

/** One operator for the whole cluster. */
export const CLUSTER_RBAC = [
  role('ClusterRole', NAME, OPERATOR_RULES),
  binding('ClusterRole', NAME),
  ...leader,
  role('ClusterRole', `${NAME}-view`, PEOPLE_RULES.view, {[`${AGGREGATE}view`]: 'true'}),
  role('ClusterRole', `${NAME}-edit`, PEOPLE_RULES.edit, {
    [`${AGGREGATE}edit`]: 'true',
    [`${AGGREGATE}admin`]: 'true',
  }),
];

/** One operator for the namespace that it runs in. */
export const NAMESPACED_RBAC = [role('Role', NAME, OPERATOR_RULES), binding('Role', NAME), ...leader];
