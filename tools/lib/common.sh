# shellcheck shell=bash
# Sourced by tools/test, tools/demo and tools/lint: where things are, who builds, how a step is run and shown.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$top/build
logs=$build/log
jobs=$(nproc)
child=

say() { printf '%s\n' "$*"; }
die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# The user who builds: whoever called sudo, provided that the tree is his to write; empty: we ourselves.
builder=
if [[ $EUID -eq 0 && ${SUDO_USER:-root} != root ]] && id -u "$SUDO_USER" >/dev/null 2>&1 &&
  setpriv --reuid="$SUDO_USER" --regid="$(id -g "$SUDO_USER")" --init-groups test -w "$top"; then
  builder=$SUDO_USER
fi

# as_builder COMMAND...: becomes the command, run as the builder; call it in a subshell or through step().
as_builder() {
  local home
  [[ -n $builder ]] || exec "$@"
  home=$(getent passwd "$builder" | cut -d: -f6)
  exec setpriv --reuid="$builder" --regid="$(id -g "$builder")" --init-groups env HOME="$home" USER="$builder" "$@"
}

# give_to_builder FILE...: what root made in build/ is the builder's.
give_to_builder() { [[ -z $builder ]] || chown -R "$builder:" "$@"; }

# Makes build/ (owned by the builder) and takes its lock until we end.
open_build_folder() {
  mkdir -p "$logs" || die "cannot make $logs: give $build to yourself or remove it"
  exec 9>>"$build/.lock" || die "cannot write in $build: give it to yourself or remove it"
  flock -n 9 || die "another run holds $build/.lock: wait for it, or end it"
  give_to_builder "$build"
  trap stop_child EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
}

stop_child() {
  [[ -n $child ]] || return 0
  kill -TERM -- "-$child" 2>/dev/null || true
  wait "$child" 2>/dev/null || true
}

# step TEXT LOG COMMAND...: runs the command with its output in build/log/LOG, says what takes longer than two seconds
# and how long it took, and shows the end of the log only if the command failed.
step() {
  local text=$1 log=$logs/$2 began=$SECONDS status=0
  shift 2
  : >"$log" && give_to_builder "$log"
  set -m # a process group of its own, so that stop_child() ends all of it
  "$@" >"$log" 2>&1 </dev/null 9>&- &
  child=$!
  set +m
  watch_step "$text" "$log" "$began"
  wait "$child" || status=$?
  child=
  if ((status == 0)); then
    printf '  ok    %-52s %4d s\n' "$text" $((SECONDS - began))
  else
    printf '  FAIL  %-52s %4d s   (%s)\n' "$text" $((SECONDS - began)) "${log#"$top"/}"
    tail -n "${STEP_LOG_LINES:-60}" "$log" | sed 's/^/        | /'
  fi
  return "$status"
}

# run_shown COMMAND...: like a step, but what it prints is what the user came for.
run_shown() {
  set -m
  "$@" </dev/null 9>&- &
  child=$!
  set +m
  local status=0
  wait "$child" || status=$?
  child=
  return "$status"
}

watch_step() {
  local text=$1 log=$2 began=$3 shown=0 now
  while kill -0 "$child" 2>/dev/null; do
    now=$((SECONDS - began))
    if ((now >= 2 && shown == 0)); then
      printf '  ...   %s\n' "$text"
      shown=2
    elif ((now >= shown + 30)); then
      printf '  ...   %s: %d s: %s\n' "$text" "$now" "$(tail -n 1 "$log" | tr -d '\r' | cut -c1-90)"
      shown=$now
    fi
    sleep 0.1
  done
}
