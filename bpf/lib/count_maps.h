/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* What became of packets: per CPU, so that counting needs no lock. */
#ifndef PENSTOCK_BPF_COUNT_MAPS_H
#define PENSTOCK_BPF_COUNT_MAPS_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "penstock/abi/reasons.h"
#include "penstock/abi/settings.h"

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, PST_PROGRAMS* PST_R_MAX);
  __type(key, __u32);
  __type(value, struct pst_count);
  __uint(pinning, LIBBPF_PIN_BY_NAME);
} pst_counters SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, PST_SERVICES* PST_SERVICE_REASONS);
  __type(key, __u32);
  __type(value, struct pst_count);
  __uint(pinning, LIBBPF_PIN_BY_NAME);
} pst_service_drops SEC(".maps");

static __always_inline void count(enum pst_program program, enum pst_reason why, __u32 bytes) {
  __u32 index = program * PST_R_MAX + why;
  struct pst_count* element = bpf_map_lookup_elem(&pst_counters, &index);

  if (!element) return;
  element->packets++;
  element->bytes += bytes;
}

/* A drop of a datagram to a service's port; `why` is one of the reasons that services count. */
static __always_inline void count_service_drop(__u32 service, enum pst_reason why, __u32 bytes) {
  __u32 index = service * PST_SERVICE_REASONS + (why - PST_SERVICE_REASON_FIRST);
  struct pst_count* element = bpf_map_lookup_elem(&pst_service_drops, &index);

  if (!element) return;
  element->packets++;
  element->bytes += bytes;
}

#endif
