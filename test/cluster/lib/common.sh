# shellcheck shell=bash
# What every cluster script shares: versions, where things stand, how progress is said.

KUBERNETES_VERSION=1.34.4
COREDNS_VERSION=1.13.1
HELM_VERSION=3.19.5
VERSITYGW_VERSION=1.8.0
NODE_VERSION=${NODE_VERSION:-24.21.0}
DEBIAN_RELEASE=${FRAISEQL_DEBIAN_RELEASE:-trixie}

CLUSTER_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PROJECT_DIR=$(cd "$CLUSTER_DIR/../.." && pwd)
CACHE=${FRAISEQL_CACHE:-$HOME/.cache/fraiseql-auth}
COMPONENTS_DIR=$CLUSTER_DIR/components

# The key of what is built from our own Go sources holds a digest of them, so that a change is never served stale.
components_digest() {
  cat "$COMPONENTS_DIR"/go.mod "$COMPONENTS_DIR"/go.sum "$COMPONENTS_DIR"/*/main.go | sha256sum | cut -c1-8
}
COMPONENTS_DIGEST=$(components_digest)

KUBERNETES_DIR=$CACHE/kubernetes-$KUBERNETES_VERSION-$COMPONENTS_DIGEST
COREDNS_DIR=$CACHE/coredns-$COREDNS_VERSION-$COMPONENTS_DIGEST
HELM_DIR=$CACHE/helm-$HELM_VERSION-$COMPONENTS_DIGEST
VERSITYGW_DIR=$CACHE/versitygw-$VERSITYGW_VERSION
PAUSE_DIR=$CACHE/pause-$COMPONENTS_DIGEST

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

using_own_cluster() { [ -n "${KUBECONFIG_EXISTING-}" ] || [ "${CLUSTER-}" = kind ]; }
