/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* What the controller says of this node: settings, ports, own addresses. Programs only read. */
#ifndef PENSTOCK_BPF_SETTINGS_MAPS_H
#define PENSTOCK_BPF_SETTINGS_MAPS_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "penstock/abi/settings.h"

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct pst_settings);
  __uint(pinning, LIBBPF_PIN_BY_NAME);
} pst_settings SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, PST_PORTS);
  __type(key, __u32);
  __type(value, struct pst_port);
  __uint(pinning, LIBBPF_PIN_BY_NAME);
} pst_ports SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 4096);
  __type(key, struct pst_address);
  __type(value, __u32); /* enum pst_address_flag */
  __uint(pinning, LIBBPF_PIN_BY_NAME);
} pst_addresses SEC(".maps");

static __always_inline const struct pst_settings* settings(void) {
  __u32 only = 0;

  return bpf_map_lookup_elem(&pst_settings, &only);
}

/* The flags of an address of this host; 0 for others. */
static __always_inline __u32 address_flags(const struct pst_address* address) {
  const __u32* flags = bpf_map_lookup_elem(&pst_addresses, address);

  return flags ? *flags : 0;
}

/* The element of an assigned port, by index as in struct pst_port; NULL if it is not assigned. */
static __always_inline const struct pst_port* assigned_port(__u32 index) {
  const struct pst_port* port = bpf_map_lookup_elem(&pst_ports, &index);

  return port && port->use == PST_PORT_PUBLIC ? port : (void*)0;
}

#endif
