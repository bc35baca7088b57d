# shellcheck shell=bash
# What one wants to know when the command has failed.

diagnose() {
  local kubectl=(timeout 5 kubectl --kubeconfig "$STATE/kubeconfig/admin" --request-timeout=4s)
  [ -n "$FRAISEQL_API_ONLY" ] || {
    "${kubectl[@]}" get nodes,pods,deployments,jobs,cronjobs,services,endpointslices,persistentvolumeclaims -A -o wide
    "${kubectl[@]}" get events -A --sort-by=.lastTimestamp | tail -n 150
    "${kubectl[@]}" describe pods -A | tail -n 600
    [ ! -d /var/log/pods ] || cp -r /var/log/pods "$LOGS/pods"
  }
  "${kubectl[@]}" get --raw '/readyz?verbose' || true
}
