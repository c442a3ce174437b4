/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* The guard: who may send to assigned ports, and how fast. Each question returns a reason to drop, or
 * PST_UNDECIDED. */
#ifndef PENSTOCK_BPF_GUARD_H
#define PENSTOCK_BPF_GUARD_H

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "lib/address.h"
#include "lib/bucket.h"
#include "lib/guard_maps.h"
#include "lib/verdict.h"

/* Takes one token if there is one. CPUs that race may take one token twice, and never make one negative. */
static __always_inline int take_token(struct pst_bucket* bucket, const struct pst_rate* rate, __u64 now) {
  __u64 tokens = bucket_tokens(bucket, rate, now);
  int taken = tokens >= TOKEN;

  bucket->tokens = taken ? tokens - TOKEN : tokens;
  bucket->filled_at = now;
  return taken;
}

/* The address with all bits behind the prefix cleared; `bits` counts in the v4-mapped form. */
static __always_inline struct pst_address prefix_of(const struct pst_address* address, __u32 bits) {
  struct pst_address prefix = {};

#pragma unroll
  for (__u32 i = 0; i < 4; i++) {
    if (bits >= 32 * (i + 1))
      prefix.word[i] = address->word[i];
    else if (bits > 32 * i)
      prefix.word[i] = address->word[i] & bpf_htonl(0xffffffffU << (32 * (i + 1) - bits));
  }
  return prefix;
}

static __always_inline int take_source_token(const struct pst_address* source, const struct pst_guard* guard,
                                             const struct pst_rate* rate, __u32 new_sessions) {
  __u32 bits = is_v4(source) ? 96 + guard->prefix_v4 : guard->prefix_v6;
  struct pst_guard_source key = {prefix_of(source, bits), new_sessions};
  __u64 now = bpf_ktime_get_coarse_ns();
  struct pst_bucket* bucket = bpf_map_lookup_elem(&pst_guard_sources, &key);
  struct pst_bucket fresh = {now, bucket_size(rate) - TOKEN};

  if (bucket) return take_token(bucket, rate, now);
  bpf_map_update_elem(&pst_guard_sources, &key, &fresh, BPF_NOEXIST); /* another CPU's first is as good */
  return 1;
}

static __always_inline int is_blocked(const struct pst_address* source) {
  struct pst_prefix key = {8 * sizeof(*source), *source};
  const struct pst_guard_rule* rule = bpf_map_lookup_elem(&pst_guard_list, &key);

  return rule && rule->action == PST_GUARD_BLOCK;
}

static __always_inline int take_service_token(__u32 index, const struct pst_rate* rate) {
  struct pst_service* service = bpf_map_lookup_elem(&pst_services, &index);

  return !service || take_token(&service->bucket, rate, bpf_ktime_get_coarse_ns());
}

/* What holds for every datagram of a client. */
static __always_inline enum pst_reason guard_datagram(const struct pst_settings* s, struct pst_guard* guard,
                                                      const struct pst_address* source, __u32 service) {
  if (s->guard_list && is_blocked(source)) return PST_R_BLOCKED;
  if (guard->source.per_second && !take_source_token(source, guard, &guard->source, 0))
    return PST_R_RATE_SOURCE;
  if (guard->service.per_second && !take_service_token(service, &guard->service)) return PST_R_RATE_SERVICE;
  return PST_UNDECIDED;
}

/* What holds besides for one that belongs to no session. */
static __always_inline enum pst_reason guard_new(struct pst_guard* guard, const struct pst_address* source) {
  if (guard->new_source.per_second && !take_source_token(source, guard, &guard->new_source, 1))
    return PST_R_RATE_NEW_SOURCE;
  if (guard->new_total.per_second &&
      !take_token(&guard->new_total_bucket, &guard->new_total, bpf_ktime_get_coarse_ns()))
    return PST_R_RATE_NEW_TOTAL;
  return PST_UNDECIDED;
}

static __always_inline struct pst_guard* guard_limits(void) {
  __u32 only = 0;

  return bpf_map_lookup_elem(&pst_guard, &only);
}

#endif
