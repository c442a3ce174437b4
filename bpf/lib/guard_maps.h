/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* The guard's limits, its list, and the buckets of sources and services. */
#ifndef PENSTOCK_BPF_GUARD_MAPS_H
#define PENSTOCK_BPF_GUARD_MAPS_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "penstock/abi/settings.h"

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct pst_guard);
  __uint(pinning, LIBBPF_PIN_BY_NAME);
} pst_guard SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, 1 << 20);
  __type(key, struct pst_prefix);
  __type(value, struct pst_guard_rule);
  __uint(pinning, LIBBPF_PIN_BY_NAME);
} pst_guard_list SEC(".maps");

/* The only map that strangers fill: what is least in use makes room. */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 65536);
  __type(key, struct pst_guard_source);
  __type(value, struct pst_bucket);
  __uint(pinning, LIBBPF_PIN_BY_NAME);
} pst_guard_sources SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, PST_SERVICES);
  __type(key, __u32);
  __type(value, struct pst_service);
  __uint(pinning, LIBBPF_PIN_BY_NAME);
} pst_services SEC(".maps");

#endif
