#!/usr/bin/env bash
# The first process of a cluster's namespaces: brings the components up, runs the command, and by ending ends all.
set -euo pipefail
# shellcheck source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
# shellcheck source=pki.sh
source "$CLUSTER_DIR/lib/pki.sh"
# shellcheck source=control-plane.sh
source "$CLUSTER_DIR/lib/control-plane.sh"
# shellcheck source=node.sh
source "$CLUSTER_DIR/lib/node.sh"
# shellcheck source=diagnose.sh
source "$CLUSTER_DIR/lib/diagnose.sh"

STATE=$FRAISEQL_CLUSTER_STATE
LOGS=$FRAISEQL_CLUSTER_LOGS
export PATH=$KUBERNETES_DIR:$HELM_DIR:$PATH:/usr/sbin:/sbin

# Starts a component with its output in a file of its own; its death during bring-up is noticed by `await`.
component() { # component NAME COMMAND…
  local name=$1
  shift
  "$@" </dev/null >"$LOGS/$name.log" 2>&1 &
  COMPONENTS[$name]=$!
}
declare -A COMPONENTS=()

# Waits for a condition; fails when the component that is to bring it about has died or time is up.
await() { # await COMPONENT SECONDS WHAT COMMAND…
  local name=$1 deadline=$((SECONDS + $2)) what=$3
  shift 3
  until "$@" >/dev/null 2>&1; do
    kill -0 "${COMPONENTS[$name]}" 2>/dev/null || bring_up_failed "$name ended before $what" "$name"
    [ "$SECONDS" -lt "$deadline" ] || bring_up_failed "$what: not within the time" "$name"
    sleep 0.05
  done
}

bring_up_failed() {
  say "cluster: $1; the end of $LOGS/$2.log:"
  tail -n 15 "$LOGS/$2.log" >&2 || true
  say "cluster: the logs are in $LOGS"
  exit 70
}

mount -t tmpfs -o mode=755 fraiseql "$STATE"
mount --make-rshared "$STATE"
mkdir -p "$STATE/pki" "$STATE/kubeconfig"
hostname "$NODE_NAME"

if [ -n "$FRAISEQL_API_ONLY" ]; then
  bring_up_api
else
  bring_up_api
  bring_up_node
fi
say "cluster: Kubernetes $KUBERNETES_VERSION ready in $(seconds_since "$FRAISEQL_STARTED") s"

export KUBECONFIG=$STATE/kubeconfig/admin FRAISEQL_TEST_CLUSTER=1
export FRAISEQL_CLUSTER_KIND=own FRAISEQL_AUDIT_LOG=$LOGS/audit.log FRAISEQL_CONTAINERD=$STATE/containerd.sock

# Not in the foreground, so that a signal is dealt with at once. A background command of a script would have the
# keyboard's interrupt ignored, and pass that on to its children: env puts it back.
env --default-signal=INT,QUIT -- "$@" <&0 &
command=$!
interrupted=
interrupt() {
  interrupted=yes
  kill -TERM "$command" 2>/dev/null || true
  # Whoever does not end when asked is ended with the namespace.
  (sleep "${FRAISEQL_CLUSTER_GRACE:-10}"; kill -KILL "$command") >/dev/null 2>&1 &
}
trap interrupt TERM INT HUP

code=0
while true; do
  wait "$command" && code=0 || code=$?
  kill -0 "$command" 2>/dev/null || break
done

if [ "$code" = 0 ]; then
  touch "$LOGS/.passed"
elif [ -z "$interrupted" ]; then
  diagnose >"$LOGS/state.log" 2>&1 || true
  say "cluster: the command ended with $code; logs of the components and the state of the cluster are in $LOGS"
fi
(exit "$code") # the last command's status is the script's
