"""Debian's own kernels under qemu, each with the files of this machine inside."""
