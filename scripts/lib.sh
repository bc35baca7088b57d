# shellcheck shell=bash
# Stages with their times, for the scripts that take a while. A stage's output goes to a log and is shown when it fails.
PROJECT_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$PROJECT_DIR" || exit
export FRAISEQL_CACHE=${FRAISEQL_CACHE:-$HOME/.cache/fraiseql-auth}
export PATH=$FRAISEQL_CACHE/node/bin:$PATH
STAGE_LOGS=${STAGE_LOGS:-$PROJECT_DIR/build/logs}
mkdir -p "$STAGE_LOGS"

# now: seconds, with tenths.
now() { printf '%s' "${EPOCHREALTIME%?????}"; }

# since START: the seconds since, with one decimal.
since() { awk -v from="$1" -v to="$(now)" 'BEGIN {printf "%.1f", to - from}'; }

# stage TITLE COMMAND…: one line when it is done; the end of its log, and the code, when it failed.
stage() {
  local title=$1 log started code=0
  shift
  log=$STAGE_LOGS/${title//[^a-zA-Z0-9]/-}.log
  started=$(now)
  if [ -t 1 ]; then printf '  …  %s\r' "$title"; fi
  "$@" >"$log" 2>&1 </dev/null || code=$?
  if [ "$code" = 0 ]; then
    printf '  ok %-52s %6s s\n' "$title" "$(since "$started")"
  else
    printf '  FAILED %-48s %6s s, code %s; the end of %s:\n' "$title" "$(since "$started")" "$code" "${log#"$PROJECT_DIR"/}"
    tail -n 60 "$log" | sed 's/^/    /'
  fi
  return "$code"
}
