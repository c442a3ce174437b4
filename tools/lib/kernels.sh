# shellcheck shell=bash
# What the vm tier boots: an emulator and Debian's own kernels, all of them only unpacked into build/.

guest_kernels=(6.1 6.12)
# shellcheck disable=SC2034  # read by tools/test
vm_packages=(iproute2 bpftool libxdp1 wireguard-tools) # what guests use of this machine
kernels=$build/kernels
emulator=$build/emulator
emulator_packages=(qemu-system-x86 qemu-system-common qemu-system-data seabios busybox-static)
# Of the thousands of drivers in a kernel's package, those that a guest without hardware can use.
kernel_parts=(boot/vmlinuz-'*' boot/config-'*' lib/modules/'*'/modules.{order,builtin,builtin.modinfo}
  lib/modules/'*'/kernel/{net,crypto,lib,arch/x86/crypto,drivers/virtio,fs/{9p,netfs,overlayfs,'*cache*'}}
  lib/modules/'*'/kernel/drivers/net/{veth,dummy,tun,ifb,wireguard}'*')

# ensure_guests: succeeds if all is there afterwards; the log of the step that failed says what is not to be had.
ensure_guests() {
  local version
  has_emulator || unpack_guests_part "qemu into build/emulator" emulator.log \
    unpack_into "$emulator" "${emulator_packages[@]}" || return
  for version in "${guest_kernels[@]}"; do
    [[ -d $kernels/$version ]] || unpack_guests_part "kernel $version into build/kernels" "kernel-$version.log" \
      unpack_kernel "$version" || return
  done
}

has_guests() {
  local version
  has_emulator || return
  for version in "${guest_kernels[@]}"; do
    [[ -d $kernels/$version ]] || return
  done
}

has_emulator() { [[ -x $emulator/root/usr/bin/qemu-system-x86_64 && -x $emulator/root/bin/busybox ]]; }

# unpack_guests_part TEXT LOG COMMAND...
unpack_guests_part() {
  local text=$1 log=$2
  shift 2
  if ((EUID != 0)); then
    say "  to unpack $text needs root: sudo tools/test"
    return 1
  fi
  update_lists
  step "unpack $text" "$log" "$@"
}

# unpack_kernel VERSION: Debian's newest kernel of that version, and the index of its modules.
unpack_kernel() {
  local version=$1 package new=$kernels/$1.new
  package=$(kernel_package "$version")
  [[ -n $package ]] || { say "no package of a kernel $version in this machine's package lists" && return 1; }
  rm -rf "$new" && mkdir -p "$new" && (cd "$new" && apt-get download "$package") || return
  dpkg-deb --fsys-tarfile "$new/$package"_*.deb |
    tar -x -C "$new" --wildcards --no-wildcards-match-slash "${kernel_parts[@]/#/./}" || return
  "$emulator/root/bin/busybox" depmod -b "$new" "$(cd "$new/lib/modules" && echo *)" || return
  rm -f "$new"/*.deb && mv "$new" "$kernels/$version"
}

# kernel_package VERSION: the image that Debian's names for "the kernel" and "the kernel VERSION" stand for.
# The plain one, for the smaller image for clouds lacks 9p, over which a guest sees our files.
kernel_package() {
  { apt-cache depends linux-image-amd64 "linux-image-$1-amd64" 2>/dev/null || true; } |
    awk -v start="linux-image-$1." '$1 == "Depends:" && index($2, start) == 1 {print $2; exit}'
}
