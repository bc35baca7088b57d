# shellcheck shell=bash
# What every cluster script shares: versions, where things stand, how progress is said.

KUBERNETES_VERSION=1.34.4
COREDNS_VERSION=1.13.1
HELM_VERSION=3.19.5
VERSITYGW_VERSION=1.8.0
# The oldest Go that builds them all.
GO_VERSION=1.25
NODE_VERSION=${NODE_VERSION:-24.21.0}
DEBIAN_RELEASE=${FRAISEQL_DEBIAN_RELEASE:-trixie}

CLUSTER_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PROJECT_DIR=$(cd "$CLUSTER_DIR/../.." && pwd)
CACHE=${FRAISEQL_CACHE:-$HOME/.cache/fraiseql-auth}
COMPONENTS_DIR=$CLUSTER_DIR/components

# component_dir NAME-VERSION [SOURCE]: the place of a component in the cache. Its name holds a digest of our own sources
# of it, so that a change is never served stale.
component_dir() {
  local digest
  digest=$(cat "$COMPONENTS_DIR"/go.mod "$COMPONENTS_DIR"/go.sum ${2+"$COMPONENTS_DIR/$2/main.go"} | sha256sum)
  printf '%s/%s-%s' "$CACHE" "$1" "${digest:0:8}"
}
KUBERNETES_DIR=$(component_dir "kubernetes-$KUBERNETES_VERSION" kube)
COREDNS_DIR=$(component_dir "coredns-$COREDNS_VERSION" dns)
HELM_DIR=$(component_dir "helm-$HELM_VERSION-kubernetes-${KUBERNETES_VERSION%.*}")
PAUSE_DIR=$(component_dir pause pause)
VERSITYGW_DIR=$CACHE/versitygw-$VERSITYGW_VERSION

say() { printf '%s\n' "$*" >&2; }

die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# Seconds since a moment of $EPOCHREALTIME, with one decimal.
seconds_since() {
  local now=${EPOCHREALTIME/[.,]/} then=${1/[.,]/}
  local tenths=$(((now - then + 50000) / 100000))
  printf '%d.%d' $((tenths / 10)) $((tenths % 10))
}

# Runs a stage and says what it took; on failure shows the end of its output.
# stage NAME LOG COMMAND…
stage() {
  local name=$1 log=$2 started=$EPOCHREALTIME
  shift 2
  say "$name …"
  if "$@" >"$log" 2>&1; then
    say "$name: done in $(seconds_since "$started") s"
  else
    say "$name: FAILED after $(seconds_since "$started") s; the end of $log:"
    tail -n 25 "$log" >&2
    return 1
  fi
}

# A contributor's own.
using_own_cluster() { [ -n "${KUBECONFIG_EXISTING-}" ] || [ "${CLUSTER-}" = kind ]; }

# An engine, not only its command.
docker_answers() { command -v docker >/dev/null && docker info >/dev/null 2>&1; }
