/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * Internet checksums. A sum is 64 bits wide and takes whole 32-bit words of the packet in any order; it is
 * folded once, at the end. To subtract, add the complement. A v4-mapped address has the sum of its IPv4
 * address, since 0xffff counts as nothing.
 */
#ifndef PENSTOCK_BPF_CHECKSUM_H
#define PENSTOCK_BPF_CHECKSUM_H

#include <linux/bpf.h>
#include <linux/in.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "penstock/abi/session.h"

static __always_inline __u16 sum_fold(__u64 sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return (sum & 0xffff) + (sum >> 16);
}

static __always_inline __u64 sum_without(__u64 sum) {
  return (__u16)~sum_fold(sum);
}

static __always_inline __u16 checksum_of(__u64 sum) {
  return ~sum_fold(sum);
}

/* In UDP 0 means that there is none. */
static __always_inline __u16 udp_checksum_of(__u64 sum) {
  __u16 checksum = checksum_of(sum);

  return checksum ? checksum : 0xffff;
}

static __always_inline __u64 sum_words(const __be32* words, __u32 count) {
  __u64 sum = 0;

#pragma unroll
  for (__u32 i = 0; i < count; i++) sum += words[i];
  return sum;
}

static __always_inline __u64 sum_address(const struct pst_address* a) {
  return sum_words(a->word, 4);
}

/* Pseudo-header and UDP header without its checksum; `payload` is the bytes behind it. */
static __always_inline __u64 sum_udp_headers(const struct pst_path* path, __u32 payload) {
  return sum_address(&path->source) + sum_address(&path->destination) + path->source_port +
         path->destination_port + 2 * (__u64)bpf_htons(payload + 8) + bpf_htons(IPPROTO_UDP);
}

#define SUMMED_AT_MOST 1536U /* bytes */
#define SUMMED_AT_ONCE 128U

/* The sum of `length` bytes from `offset` on, at most SUMMED_AT_MOST of them, read from the packet. Not
 * static, so that the verifier looks at it once, and not for each path that leads here: that was half of all
 * its work. */
__noinline __u32 sum_bytes(struct xdp_md* ctx, __u32 offset, __u32 length) {
  __u32 sum = 0;

  for (__u32 i = 0; i < SUMMED_AT_MOST / SUMMED_AT_ONCE; i++) {
    __be32 words[SUMMED_AT_ONCE / 4] = {};
    __u64 last = (length < SUMMED_AT_ONCE ? length : SUMMED_AT_ONCE) - 1, taken;

    if (!length) break;
    /* Clang 14 knows that the mask changes nothing, and drops it without this; Linux 6.18 then says "R4 min
     * value is negative", and 6.1 "invalid zero-sized read" where 0 is excluded by a comparison alone. */
    barrier_var(last);
    taken = (last & (SUMMED_AT_ONCE - 1)) + 1;
    if (bpf_xdp_load_bytes(ctx, offset, words, taken)) break;
    sum = bpf_csum_diff((void*)0, 0, words, sizeof(words), sum);
    offset += taken;
    length -= taken;
  }
  return sum;
}

#endif
