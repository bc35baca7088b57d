{{/* Generated from src/api and scripts/generate by `make generate`. Do not edit. */}}
{{- define "fraiseql-auth-operator.rules.operator" -}}
- apiGroups:
    - auth.fraiseql.dev
  resources:
    - fraiseqlauths
  verbs:
    - get
    - list
    - watch
- apiGroups:
    - auth.fraiseql.dev
  resources:
    - fraiseqlauths/status
  verbs:
    - patch
- apiGroups:
    - auth.fraiseql.dev
  resources:
    - fraiseqlauths/finalizers
  verbs:
    - update
- apiGroups:
    - ""
  resources:
    - configmaps
    - serviceaccounts
    - services
  verbs:
    - get
    - list
    - watch
    - create
    - patch
    - delete
- apiGroups:
    - ""
  resources:
    - secrets
  verbs:
    - get
    - list
    - watch
    - create
    - patch
- apiGroups:
    - ""
  resources:
    - pods
  verbs:
    - get
    - list
    - watch
- apiGroups:
    - ""
  resources:
    - pods/log
  verbs:
    - get
- apiGroups:
    - ""
  resources:
    - persistentvolumeclaims
  verbs:
    - get
- apiGroups:
    - apps
  resources:
    - deployments
  verbs:
    - get
    - list
    - watch
    - create
    - patch
    - delete
- apiGroups:
    - apps
  resources:
    - replicasets
  verbs:
    - get
    - list
    - watch
- apiGroups:
    - autoscaling
  resources:
    - horizontalpodautoscalers
  verbs:
    - get
    - list
    - watch
    - create
    - patch
    - delete
- apiGroups:
    - batch
  resources:
    - cronjobs
    - jobs
  verbs:
    - get
    - list
    - watch
    - create
    - patch
    - delete
- apiGroups:
    - policy
  resources:
    - poddisruptionbudgets
  verbs:
    - get
    - list
    - watch
    - create
    - patch
    - delete
- apiGroups:
    - events.k8s.io
  resources:
    - events
  verbs:
    - create
    - patch
{{- end }}
{{- define "fraiseql-auth-operator.rules.leader" -}}
- apiGroups:
    - coordination.k8s.io
  resources:
    - leases
  verbs:
    - create
- apiGroups:
    - coordination.k8s.io
  resources:
    - leases
  resourceNames:
    - '{{ include "fraiseql-auth-operator.fullname" . }}'
  verbs:
    - get
    - update
{{- end }}
{{- define "fraiseql-auth-operator.rules.view" -}}
- apiGroups:
    - auth.fraiseql.dev
  resources:
    - fraiseqlauths
    - fraiseqlauths/status
  verbs:
    - get
    - list
    - watch
{{- end }}
{{- define "fraiseql-auth-operator.rules.edit" -}}
- apiGroups:
    - auth.fraiseql.dev
  resources:
    - fraiseqlauths
    - fraiseqlauths/scale
  verbs:
    - create
    - delete
    - deletecollection
    - get
    - list
    - patch
    - update
    - watch
{{- end }}
