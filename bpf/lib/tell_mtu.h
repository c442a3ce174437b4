/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Answers a datagram that is too long for its way: ICMP "fragmentation needed", ICMPv6 "packet too big". */
#ifndef PENSTOCK_BPF_TELL_MTU_H
#define PENSTOCK_BPF_TELL_MTU_H

#include "lib/rewrite.h"

#define ICMP_UNREACHABLE 3
#define ICMP_TOO_LONG 4
#define ICMPV6_TOO_BIG 2
#define LEAST_MTU_V4 552 /* what hosts believe */
#define LEAST_MTU_V6 1280

struct icmp_too_long {
  __u8 type;
  __u8 code;
  __be16 checksum;
  __be32 mtu; /* ICMP: the lower half; the other is 0 */
};

/* Whether its sender may be told `mtu`: one that it can obey, and never an answer to a group. */
static __always_inline int may_tell(const struct datagram* d, int mtu) {
  if (d->mac[0] & 1 || is_impossible_source(&d->path.source)) return 0;
  return mtu >= (d->version == 4 ? LEAST_MTU_V4 : LEAST_MTU_V6);
}

/* The sum of the IP and UDP header of the received packet, which the answer quotes. */
static __always_inline __u64 sum_quoted(struct cursor* c, const struct datagram* d) {
  const __be32* words;

  if (!cursor_take(c, ETH_HLEN)) return 0;
  if (d->tags > 0 && !cursor_take(c, 4)) return 0;
  if (d->tags > 1 && !cursor_take(c, 4)) return 0;
  if (d->version == 4) {
    words = cursor_take(c, 28);
    return words ? sum_words(words, 7) : 0;
  }
  words = cursor_take(c, 48);
  return words ? sum_words(words, 12) : 0;
}

/* The Ethernet header turned round, with the tags that came. */
static __always_inline int write_link_back(struct cursor* c, const struct datagram* d) {
  __be16 type = d->version == 4 ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
  struct ethhdr* eth = cursor_take(c, sizeof(*eth));

  if (!eth) return 0;
  __builtin_memcpy(eth->h_dest, d->mac + 6, 6);
  __builtin_memcpy(eth->h_source, d->mac, 6);
  eth->h_proto = d->tags ? d->tag_type[0] : type;
#pragma unroll
  for (__u32 i = 0; i < 2; i++) {
    struct vlan_tag* tag;

    if (i >= d->tags) break;
    tag = cursor_take(c, sizeof(*tag));
    if (!tag) return 0;
    tag->control = d->tag[i];
    tag->inner = i + 1 < d->tags ? d->tag_type[1] : type;
  }
  return 1;
}

static __always_inline int write_too_long(struct cursor* c, const struct datagram* d,
                                          const struct envelope* e, __u32 mtu, __u64 quoted) {
  __u32 quote = ip_bytes(d->version) + sizeof(struct udphdr);
  struct icmp_too_long* icmp;

  if (!write_ip(c, e, d->version == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6,
                ip_bytes(d->version) + sizeof(*icmp) + quote))
    return 0;
  icmp = cursor_take(c, sizeof(*icmp));
  if (!icmp) return 0;
  icmp->type = d->version == 4 ? ICMP_UNREACHABLE : ICMPV6_TOO_BIG;
  icmp->code = d->version == 4 ? ICMP_TOO_LONG : 0;
  icmp->checksum = 0;
  icmp->mtu = bpf_htonl(mtu);
  quoted += sum_words((const __be32*)icmp, 2);
  if (d->version == 6)
    quoted += sum_address(&e->path.source) + sum_address(&e->path.destination) +
              bpf_htons(sizeof(*icmp) + quote) + bpf_htons(IPPROTO_ICMPV6);
  icmp->checksum = checksum_of(quoted);
  return 1;
}

/* Turns the packet into the answer, which is shorter than the packet was. */
static __always_inline enum pst_reason tell_mtu(struct xdp_md* ctx, const struct datagram* d, __u32 mtu) {
  __u32 grown = ip_bytes(d->version) + sizeof(struct icmp_too_long);
  struct cursor c = cursor_of(ctx);
  __u64 quoted = sum_quoted(&c, d);
  struct envelope e = {};

  e.path.source = d->path.destination;
  e.path.destination = d->path.source;
  e.version = d->version;
  e.ttl = OUR_TTL;
  e.fragment = IP_DONT_FRAGMENT;
  if (!quoted || bpf_xdp_adjust_head(ctx, -(int)grown)) return PST_R_OVER_MTU;
  if (bpf_xdp_adjust_tail(ctx, (int)(d->header + grown) - (int)packet_length(ctx))) return PST_UNDECIDED;
  c = cursor_of(ctx);
  if (!write_link_back(&c, d) || !write_too_long(&c, d, &e, mtu, quoted)) return PST_UNDECIDED;
  return PST_R_TOLD_MTU;
}

#endif
