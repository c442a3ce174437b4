# shellcheck shell=bash
# Configuring and building a preset as the builder, with ccache where it is installed.

# What ccache keeps serves every checkout: paths count from its top, and precompiled headers by their content.
export CCACHE_BASEDIR=$top CCACHE_NOHASHDIR=1
export CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime

declare -A configured=()

# configure PRESET: once a run.
configure() {
  local preset=$1 launcher=()
  [[ -z ${configured[$preset]:-} ]] || return 0
  if command -v ccache >/dev/null; then
    launcher=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  fi
  step "configure $preset" "configure-$preset.log" as_builder cmake -S "$top" --preset "$preset" "${launcher[@]}" &&
    configured[$preset]=1
}

# As many as there are processors, but no more than memory holds: the largest take 1.2 GiB each.
compilers_at_once() {
  local fit
  fit=$(awk '/^MemAvailable:/ {print int($2 / (1.3 * 1024 * 1024))}' /proc/meminfo)
  printf '%s\n' $((fit < 1 ? 1 : fit < jobs ? fit : jobs))
}

# compile PRESET TARGET...: `all` is everything.
compile() {
  local preset=$1
  shift
  configure "$preset" &&
    step "build $preset" "build-$preset.log" as_builder ninja -C "$build/$preset" -j "$(compilers_at_once)" "$@"
}
