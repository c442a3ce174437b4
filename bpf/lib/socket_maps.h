/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* The controller's sockets for what the other programs leave to the stack. Empty while no controller runs. */
#ifndef PENSTOCK_BPF_SOCKET_MAPS_H
#define PENSTOCK_BPF_SOCKET_MAPS_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "penstock/abi/settings.h"

struct {
  __uint(type, BPF_MAP_TYPE_SOCKMAP);
  __uint(max_entries, PST_SOCKETS);
  __type(key, __u32);
  __type(value, __u64);
  __uint(pinning, LIBBPF_PIN_BY_NAME);
} pst_sockets SEC(".maps");

#endif
