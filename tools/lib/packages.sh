# shellcheck shell=bash
# What a fresh Debian or Ubuntu lacks: packages that are installed, and test peers that are only unpacked.

build_packages=(g++ cmake ninja-build pkg-config ccache git libssl-dev libgflags-dev libgoogle-glog-dev
  libtomlplusplus-dev libsqlite3-dev prometheus-cpp-dev libgtest-dev libgmock-dev libmnl-dev libbpf-dev
  libxdp-dev liburing-dev libngtcp2-dev libngtcp2-crypto-gnutls-dev libgnutls28-dev clang bpftool)
run_packages=(iproute2 ethtool iperf3 curl socat openssl python3)
# shellcheck disable=SC2034  # read by tools/test
lint_packages=(clang-format clang-tidy shellcheck)
# shellcheck disable=SC2034
sanitizer_packages=(clang libclang-rt-dev llvm)
# Test peers: the package of each program.
declare -A peer_packages=([nginx]=nginx [haproxy]=haproxy [dnsdist]=dnsdist [dnsperf]=dnsperf [turnserver]=coturn
  [dig]=bind9-dnsutils [xdp-filter]=xdp-tools [xdp-loader]=xdp-tools [nft]=nftables [gtlsclient]=ngtcp2-client)
peers=$build/peers
peer_parts=(libnginx-mod-stream) # what a peer loads for the benchmark, and Debian packs apart

export DEBIAN_FRONTEND=noninteractive

# Debian 12 has two Boosts, and its default one is too old for us; later releases have one.
boost_packages() {
  if apt-cache show libboost1.81-dev >/dev/null 2>&1; then
    say libboost1.81-dev libboost-json1.81-dev
  else
    say libboost-dev libboost-json-dev
  fi
}

missing_of() {
  local package
  for package in "$@"; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || printf '%s\n' "$package"
  done
}

# update_lists: once a run, and only when something has to be fetched.
update_lists() {
  [[ -z ${lists_updated:-} ]] || return 0
  step "package lists" apt-update.log apt-get update -q || die "apt-get update failed: is there a network?"
  lists_updated=1
}

# ensure_packages NAME...: installs what is missing, removing nothing.
ensure_packages() {
  local missing
  command -v dpkg-query >/dev/null || die "needs Debian or Ubuntu: their packages are what it builds with"
  mapfile -t missing < <(missing_of "$@")
  ((${#missing[@]})) || return 0
  say "  missing packages: ${missing[*]}"
  ((EUID == 0)) || die "install them with: sudo apt-get install --no-install-recommends ${missing[*]}"
  update_lists
  refuse_conflicts "${missing[@]}"
  step "install ${#missing[@]} packages" apt-install.log \
    apt-get install -q -y --no-remove --no-install-recommends "${missing[@]}" ||
    die "apt-get could not install: ${missing[*]}"
}

refuse_conflicts() {
  local removed
  apt-get install -s --no-remove --no-install-recommends "$@" >/dev/null 2>&1 && return 0
  removed=$(apt-get install -s --no-install-recommends "$@" 2>/dev/null | awk '/^Remv /{print $2}' | xargs)
  [[ -n $removed ]] || return 0 # not a conflict: the install itself tells what is wrong
  say "  installing $* would remove: $removed"
  die "nothing was changed. If you can do without them: sudo apt-get remove $removed, then run this again"
}

ensure_build_packages() {
  local boost
  if ((EUID == 0)) && [[ -z $(find /var/lib/apt/lists -name '*_Packages*' -print -quit) ]]; then
    update_lists # boost_packages() asks them
  fi
  read -ra boost < <(boost_packages)
  ensure_packages "${build_packages[@]}" "${boost[@]}"
}

# Programs that tests talk to: used where installed, else unpacked into build/peers, never started as services.
ensure_peers() {
  local wanted=() missing=() program
  ensure_packages "${run_packages[@]}"
  for program in "${!peer_packages[@]}"; do
    [[ ! -x /usr/sbin/$program && ! -x /usr/bin/$program ]] || continue
    wanted+=("${peer_packages[$program]}")
    [[ -x $peers/root/usr/sbin/$program || -x $peers/root/usr/bin/$program ]] || missing+=("$program")
  done
  ((${#missing[@]})) || return 0
  update_lists
  step "unpack ${missing[*]} into build/peers" peers.log unpack_peers "${wanted[@]}" || die "no test peers"
}

# unpack_peers PACKAGE...: all that build/peers is to hold.
unpack_peers() { unpack_into "$peers" "$@" "${peer_parts[@]}"; }

# unpack_into FOLDER PACKAGE...: the packages as FOLDER/root, with those that they need and that are not installed.
unpack_into() {
  local folder=$1 names deb
  shift
  mapfile -t names < <({ printf '%s\n' "$@" && apt-get install -s --no-install-recommends "$@" |
    awk '/^Inst /{print $2}'; } | sort -u)
  rm -rf "$folder.new" && mkdir -p "$folder.new/debs" "$folder.new/root" &&
    (cd "$folder.new/debs" && apt-get download "${names[@]}") || return
  for deb in "$folder.new"/debs/*.deb; do
    dpkg-deb -x "$deb" "$folder.new/root" || return
  done
  rm -rf "$folder" && mv "$folder.new" "$folder"
}
