# shellcheck shell=bash
# The tiers of tools/test: each builds what it needs, runs its steps and adds to passed, failed and unrun.

passed=0 failed=0 unrun=0
failures=() # a line each
# A small quarantine of freed memory: tests look at what the daemon takes.
sanitizer_options=(
  ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1:quarantine_size_mb=8
  UBSAN_OPTIONS=print_stacktrace=1
  "TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1:suppressions=$top/tests/support/tsan.supp"
)

tier_lint() {
  STEP_LOG_LINES=100 counted_step "lint" lint.log as_builder "$top/tools/lint"
}

# One part at a time, in the build with the address and undefined-behaviour sanitizers.
tier_unit() {
  if compile asan unit_tests; then
    run_ctest asan "unit" -L '^unit$'
  else
    not_run "unit: no build"
  fi
}

# The same build.
tier_sim() {
  if compile asan sim_tests; then
    run_ctest asan "sim" -L '^sim$'
  else
    not_run "sim: no build"
  fi
}

# The kernel programs packet by packet; loading them needs root.
tier_bpf() {
  if ((EUID != 0)); then
    not_run "bpf: loading kernel programs needs root: sudo tools/test"
  elif compile release bpf_tests; then
    counted_step "bpf" ctest-bpf.log ctest --test-dir "$build/release" --output-on-failure -L '^bpf$'
  else
    not_run "bpf: no build"
  fi
}

# Everything, nodes steering by sockets where a case does not ask for kernel programs, and tunnels over QUIC where it
# does not ask for TLS; then what kernel programs do otherwise with them: UDP, changing ports, and paths that change;
# then over TLS what is short and notices what tunnels are made of.
tier_netns() {
  if compile release all; then
    run_netns release "netns, steered by sockets"
    run_netns release "netns, steered by the kernel" --steering kernel --only udp_ --only live. --only quic_migration.
    run_netns release "netns, over TLS" --carrier tls --short --only closing. --only identity. --only lifecycle. \
      --only outage. --only transfer. --only trust. --only udp_
  else
    not_run "netns: no build"
  fi
}

# Emulation needs no root: in a guest everyone is.
tier_vm() {
  if ! has_guests; then
    not_run "vm: no emulator or no kernels for it, see above"
  elif compile release all bpf_tests; then
    STEP_LOG_LINES=200 counted_step "vm" vm.log as_builder "$top/tests/vm/run_all" --daemon-dir "$build/release"
  else
    not_run "vm: no build"
  fi
}

# What is short between namespaces, once with each sanitizer in the daemon; and with the thread sanitizer what has
# threads (the sim tier has one). A penstockctl that lives for a moment would mostly set up its sanitizer.
tier_sanitizers() {
  local tools=(--short --tools-dir "$build/release")
  if compile release all && compile asan penstockd; then
    run_netns asan "netns, address sanitizer" "${tools[@]}"
  else
    not_run "address sanitizer: no build"
  fi
  if compile release all && compile tsan penstockd unit_net unit_quic unit_tunnel unit_admin; then
    run_ctest tsan "workers, thread sanitizer" -R '^unit\.(net|quic|tunnel|admin)$'
    run_netns tsan "netns, thread sanitizer" "${tools[@]}"
  else
    not_run "thread sanitizer: no build"
  fi
}

tier_fuzz() {
  if compile asan fuzzers; then
    run_ctest asan "fuzz" -L '^fuzz$'
  else
    not_run "fuzz: no build"
  fi
}

# run_ctest PRESET TEXT OPTION...
run_ctest() {
  local preset=$1 text=$2
  shift 2
  counted_step "$text" "ctest-${text//[^a-z]/-}.log" as_builder env "${sanitizer_options[@]}" \
    ctest --test-dir "$build/$preset" --output-on-failure -j "$jobs" "$@"
}

# run_netns PRESET TEXT OPTION...: cases mostly wait, so that twice as many as processors run at a time, but with
# sanitizers they work. What they wait for may take long, as the machine may be slow or shared; what goes well never
# uses it up.
run_netns() {
  local preset=$1 text=$2 patience=2 at_once=$((2 * jobs))
  shift 2
  [[ $preset == release ]] || { patience=4 && at_once=$jobs; }
  if ((EUID != 0)); then
    not_run "$text: making network namespaces needs root: sudo tools/test"
    return
  fi
  STEP_LOG_LINES=200 counted_step "$text" "${text//[^a-z]/-}-$preset.log" env "${sanitizer_options[@]}" \
    "$top/tests/netns/run" --daemon-dir "$build/$preset" --patience "$patience" --jobs "$at_once" "$@"
}

# counted_step TEXT LOG COMMAND...: a step whose log ends in "N passed, N failed", or in ctest's
# "97% tests passed, 1 tests failed out of 31". What ran no test, or failed without saying which, did not run.
counted_step() {
  local text=$1 log=$2 good=0 bad=0 status=0
  shift 2
  step "$text" "$log" "$@" || status=$?
  read -r good bad < <(awk '/^[0-9]+ passed, [0-9]+ failed$/ {last = $1 " " $3}
    /^[0-9]+% tests passed, [0-9]+ tests? failed out of [0-9]+$/ {last = $NF - $4 " " $4}
    END {print last}' "$logs/$log") || true
  passed=$((passed + ${good:-0})) failed=$((failed + ${bad:-0}))
  if ((${good:-0} + ${bad:-0} == 0)); then
    not_run "$text: ran nothing"
  elif ((status != 0 && bad == 0)); then
    not_run "$text: ended with status $status"
  else
    printf '        %d passed, %d failed\n' "$good" "$bad"
  fi
  ((status == 0)) || keep_failures "$text" "$logs/$log"
}

# keep_failures TEXT LOG: the lines in which our runners, GoogleTest, ctest and sanitizers name a failure.
keep_failures() {
  local line
  local pattern='^([0-9.]+: )?FAILED( .*)?: |^\[  FAILED  \] .* ms\)|\((Failed|Timeout|SEGFAULT|.* aborted)\)|ERROR: .*Sanitizer'
  while IFS= read -r line; do
    failures+=("$1: ${line:0:200}")
  done < <(grep -aE "$pattern" "$2" | awk '!seen[$0]++' | head -n 20)
}

not_run() {
  failures+=("did not run: $*")
  unrun=$((unrun + 1))
  printf '  FAIL  %s\n' "$*"
}
