# shellcheck shell=bash
# A cluster that a contributor brings: any kubeconfig, or kind.

# Replaces this process by the command.
run_on_own_cluster() {
  export FRAISEQL_TEST_CLUSTER=1
  if [ -n "${KUBECONFIG_EXISTING-}" ]; then
    [ -f "$KUBECONFIG_EXISTING" ] || die "KUBECONFIG_EXISTING: there is no file $KUBECONFIG_EXISTING"
    export KUBECONFIG=$KUBECONFIG_EXISTING FRAISEQL_CLUSTER_KIND=existing
  else
    command -v kind >/dev/null || die 'CLUSTER=kind, but kind is not on PATH: install it (kind.sigs.k8s.io), or leave CLUSTER unset'
    KIND_CLUSTER=${KIND_CLUSTER:-fraiseql-auth}
    kind get clusters 2>/dev/null | grep -qxF "$KIND_CLUSTER" || kind create cluster --name "$KIND_CLUSTER" --wait 120s >&2
    mkdir -p "$PROJECT_DIR/build"
    kind get kubeconfig --name "$KIND_CLUSTER" >"$PROJECT_DIR/build/kind.kubeconfig"
    export KUBECONFIG=$PROJECT_DIR/build/kind.kubeconfig FRAISEQL_CLUSTER_KIND=kind KIND_CLUSTER
  fi
  # One's own kubectl and helm first; what was built here where they are missing.
  PATH=$PATH:$KUBERNETES_DIR:$HELM_DIR
  command -v kubectl >/dev/null || die 'kubectl is not on PATH: install it (kubernetes.io/docs/tasks/tools)'
  kubectl --request-timeout=10s get --raw /readyz >/dev/null || die "the cluster of $KUBECONFIG does not answer"
  exec "$@"
}
