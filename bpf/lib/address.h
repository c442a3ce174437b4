/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Questions about addresses, IPv4 being v4-mapped. */
#ifndef PENSTOCK_BPF_ADDRESS_H
#define PENSTOCK_BPF_ADDRESS_H

#include <linux/types.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "penstock/abi/settings.h"

#define IS_MAPPED bpf_htonl(0xffff)

static __always_inline struct pst_address v4_mapped(__be32 address) {
  struct pst_address mapped = {{0, 0, IS_MAPPED, address}};

  return mapped;
}

static __always_inline int is_v4(const struct pst_address* a) {
  return !a->word[0] && !a->word[1] && a->word[2] == IS_MAPPED;
}

static __always_inline int is_same(const struct pst_address* a, const struct pst_address* b) {
  return a->word[0] == b->word[0] && a->word[1] == b->word[1] && a->word[2] == b->word[2] &&
         a->word[3] == b->word[3];
}

/* Whether it is the steering sockets', or of the network that belongs to the steering device. */
static __always_inline int is_inside(const struct pst_settings* s, const struct pst_address* a) {
  if (!is_v4(a)) return 0;
  if (s->steering_address && a->word[3] == s->steering_address) return 1;
  return s->network_mask && (a->word[3] & s->network_mask) == s->network;
}

/* Whether no client can have it: this network, loopback, multicast, broadcast, v4-compatible. An IPv4 address
 * in an IPv6 header is not seen here: the parser tells. */
static __always_inline int is_impossible_source(const struct pst_address* a) {
  __u32 first = bpf_ntohl(a->word[3]) >> 24;

  if (is_v4(a)) return first == 0 || first == 127 || first >> 4 == 14 || a->word[3] == 0xffffffff;
  if (!a->word[0] && !a->word[1] && !a->word[2]) return 1; /* ::, ::1, ::a.b.c.d */
  return bpf_ntohl(a->word[0]) >> 24 == 0xff;
}

#endif
