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

/* The tokens of `count` datagrams that the system joined to one packet; never more than a bucket can hold. */
static __always_inline __u64 tokens_for(__u32 count, const struct pst_rate* rate) {
  __u64 wanted = (__u64)count << TOKEN_BITS, full = bucket_size(rate);

  return wanted < full ? wanted : full;
}

/* Takes so many tokens if they are there. CPUs that race may take one twice, and never make one negative. */
static __always_inline int take_tokens(struct pst_bucket* bucket, const struct pst_rate* rate, __u64 now,
                                       __u32 count) {
  __u64 tokens = bucket_tokens(bucket, rate, now), wanted = tokens_for(count, rate);
  int taken = tokens >= wanted;

  bucket->tokens = taken ? tokens - wanted : tokens;
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
                                             const struct pst_rate* rate, __u32 new_sessions, __u32 count) {
  __u32 bits = is_v4(source) ? 96 + guard->prefix_v4 : guard->prefix_v6;
  struct pst_guard_source key = {prefix_of(source, bits), new_sessions};
  __u64 now = bpf_ktime_get_coarse_ns();
  struct pst_bucket* bucket = bpf_map_lookup_elem(&pst_guard_sources, &key);
  struct pst_bucket fresh = {now, bucket_size(rate) - tokens_for(count, rate)};

  if (bucket) return take_tokens(bucket, rate, now, count);
  bpf_map_update_elem(&pst_guard_sources, &key, &fresh, BPF_NOEXIST); /* another CPU's first is as good */
  return 1;
}

static __always_inline int is_blocked(const struct pst_address* source) {
  struct pst_prefix key = {8 * sizeof(*source), *source};
  const struct pst_guard_rule* rule = bpf_map_lookup_elem(&pst_guard_list, &key);

  return rule && rule->action == PST_GUARD_BLOCK;
}

static __always_inline int take_service_token(__u32 index, const struct pst_rate* rate, __u32 count) {
  struct pst_service* service = bpf_map_lookup_elem(&pst_services, &index);

  return !service || take_tokens(&service->bucket, rate, bpf_ktime_get_coarse_ns(), count);
}

/* What holds for every datagram of a client; `count` of them come in one packet. */
static __always_inline enum pst_reason guard_datagrams(const struct pst_settings* s, struct pst_guard* guard,
                                                       const struct pst_address* source, __u32 service,
                                                       __u32 count) {
  if (s->guard_list && is_blocked(source)) return PST_R_BLOCKED;
  if (guard->source.per_second && !take_source_token(source, guard, &guard->source, 0, count))
    return PST_R_RATE_SOURCE;
  if (guard->service.per_second && !take_service_token(service, &guard->service, count))
    return PST_R_RATE_SERVICE;
  return PST_UNDECIDED;
}

/* What holds besides for those that belong to no session. */
static __always_inline enum pst_reason guard_new(struct pst_guard* guard, const struct pst_address* source,
                                                 __u32 count) {
  if (guard->new_source.per_second && !take_source_token(source, guard, &guard->new_source, 1, count))
    return PST_R_RATE_NEW_SOURCE;
  if (guard->new_total.per_second &&
      !take_tokens(&guard->new_total_bucket, &guard->new_total, bpf_ktime_get_coarse_ns(), count))
    return PST_R_RATE_NEW_TOTAL;
  return PST_UNDECIDED;
}

static __always_inline struct pst_guard* guard_limits(void) {
  __u32 only = 0;

  return bpf_map_lookup_elem(&pst_guard, &only);
}

#endif
