# shellcheck shell=bash
# A cluster that a contributor brings: any kubeconfig, or kind.

# Replaces this process by the command.
run_on_own_cluster() {
  local directory alive
  directory=$(mktemp -d "${TMPDIR:-/tmp}/fraiseql-kubeconfig.XXXXXX")
  # What the command writes into its kubeconfig, a namespace say, is not for the contributor's own. The copy holds
  # credentials: it goes when the last process that has this pipe open is gone, however that ended.
  exec {alive}> >(trap '' INT TERM HUP; cat >/dev/null; exec rm -rf "$directory")
  : "$alive"
  export KUBECONFIG=$directory/kubeconfig FRAISEQL_TEST_CLUSTER=1
  unset FRAISEQL_AUDIT_LOG FRAISEQL_CONTAINERD
  if [ -n "${KUBECONFIG_EXISTING-}" ]; then
    [ -f "$KUBECONFIG_EXISTING" ] || die "KUBECONFIG_EXISTING: there is no file $KUBECONFIG_EXISTING"
    (umask 077 && cp "$KUBECONFIG_EXISTING" "$KUBECONFIG")
    export FRAISEQL_CLUSTER_KIND=existing
  else
    command -v kind >/dev/null || die 'CLUSTER=kind, but kind is not on PATH: install it (kind.sigs.k8s.io), or leave CLUSTER unset'
    export FRAISEQL_CLUSTER_KIND=kind KIND_CLUSTER=${KIND_CLUSTER:-fraiseql-auth}
    kind get clusters 2>/dev/null | grep -qxF "$KIND_CLUSTER" \
      || kind create cluster --name "$KIND_CLUSTER" --kubeconfig "$KUBECONFIG" --wait 120s >&2
    (umask 077 && kind get kubeconfig --name "$KIND_CLUSTER" >"$KUBECONFIG")
  fi
  # One's own kubectl and helm first; what was built here where they are missing.
  PATH=$PATH:$KUBERNETES_DIR:$HELM_DIR
  command -v kubectl >/dev/null || die 'kubectl is not on PATH: install it (kubernetes.io/docs/tasks/tools), or run make cluster-install, which builds one'
  command -v helm >/dev/null || die 'helm is not on PATH: install it (helm.sh/docs/intro/install), or run make cluster-install, which builds one'
  kubectl --request-timeout=10s get --raw /readyz >/dev/null || die "the cluster of ${KUBECONFIG_EXISTING:-kind} does not answer"
  exec "$@"
}
