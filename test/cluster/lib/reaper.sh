#!/usr/bin/env bash
# Waits for the last process of a cluster to be gone, then removes what no namespace takes along: the control groups,
# the mount point, the logs of a run that went well and those of runs long past.
set -uo pipefail
cat >/dev/null # until every writer is gone

remove_cgroups() {
  local root pass left directory
  for pass in 1 2 3 4 5 6 7 8 9 10; do
    left=
    for root in /sys/fs/cgroup /sys/fs/cgroup/*; do
      directory=$root/fraiseql-$FRAISEQL_CLUSTER_ID
      [ -d "$directory" ] || continue
      find "$directory" -depth -type d -exec rmdir {} + 2>/dev/null || left=yes
    done
    [ -n "$left" ] || return 0
    sleep "0.$pass"
  done
}

remove_cgroups
rmdir "$FRAISEQL_CLUSTER_STATE" 2>/dev/null
if [ -e "$FRAISEQL_CLUSTER_LOGS/.passed" ]; then
  rm -rf "$FRAISEQL_CLUSTER_LOGS"
fi
logs=$(dirname "$FRAISEQL_CLUSTER_LOGS")
case $logs in
  */build/cluster-logs)
    # Directory names begin with the time: the five newest stay.
    find "$logs" -mindepth 1 -maxdepth 1 -type d -mmin +1 | sort -r | tail -n +6 | xargs -r rm -rf
    rmdir "$logs" 2>/dev/null
    ;;
esac
exit 0
