/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* The arithmetic of token buckets, without helpers or maps: compiled as C++ too, for its test. */
#ifndef PENSTOCK_BPF_BUCKET_H
#define PENSTOCK_BPF_BUCKET_H

#include "penstock/abi/settings.h"

#define TOKEN_BITS 20
#define TOKEN (1ULL << TOKEN_BITS)
#define LONGEST_GAP (1ULL << 40) /* ns, 18 minutes: a longer one fills no more, so that nothing overflows */

static __always_inline __u64 bucket_size(const struct pst_rate* rate) {
  return (__u64)(rate->burst ? rate->burst : 1) << TOKEN_BITS;
}

/* What a bucket holds now. Rounds down: a source never gets more than the rate. */
static __always_inline __u64 bucket_tokens(const struct pst_bucket* bucket, const struct pst_rate* rate,
                                           __u64 now) {
  __u64 full = bucket_size(rate), filled_at = bucket->filled_at, held = bucket->tokens;
  __u64 gap = now > filled_at ? now - filled_at : 0, gained;

  if (!filled_at || held > full) return full;
  if (gap > LONGEST_GAP) gap = LONGEST_GAP;
  gained = (gap << TOKEN_BITS) / 1000000000 * rate->per_second;
  return gained < full - held ? held + gained : full;
}

#endif
