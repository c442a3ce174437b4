/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Gives a datagram other headers: moves the packet's ends, and writes Ethernet, IP and UDP anew. */
#ifndef PENSTOCK_BPF_REWRITE_H
#define PENSTOCK_BPF_REWRITE_H

#include <linux/bpf.h>

#include "lib/checksum.h"
#include "lib/cursor.h"
#include "lib/parse.h"
#include "lib/session_maps.h"

#define OUR_TTL 64

/* The headers that a datagram gets. */
struct envelope {
  struct pst_path path;
  __u8 mac[12];
  __be16 vlan;   /* 0: no tag */
  __u32 prefix;  /* bytes that will stand between UDP header and payload */
  __u64 sum;     /* of prefix and payload */
  __u32 skipped; /* bytes of the old payload in front of what is kept */
  __be16 ip_id;
  __be16 fragment;
  __u8 version; /* of IP, by the path's addresses */
  __u8 ttl;
  __u8 tos;
  __u8 unsummed; /* leave the UDP checksum 0; IPv4 only */
};

/* Bytes of the IP packet that carries `payload` in this envelope. */
static __always_inline __u32 envelope_ip_length(const struct envelope* e, __u32 payload) {
  return ip_bytes(e->version) + sizeof(struct udphdr) + e->prefix + payload;
}

/* The payload's part of a received checksum. */
static __always_inline __u64 sum_payload(const struct datagram* d) {
  return (__u16)~d->checksum + sum_without(sum_udp_headers(&d->path, d->payload));
}

static __always_inline void leave_by(struct envelope* e, const struct pst_next_hop* hop) {
  __builtin_memcpy(e->mac, hop->to, 6);
  __builtin_memcpy(e->mac + 6, hop->from, 6);
  e->vlan = hop->vlan;
}

/* Puts the packet's start where the new headers begin, and its end behind the payload. Fails before anything
 * has changed if the buffer has no room in front. */
static __always_inline int make_room(struct xdp_md* ctx, const struct datagram* d, const struct envelope* e,
                                     __u32 payload) {
  int length = ETH_HLEN + (e->vlan ? 4 : 0) + envelope_ip_length(e, payload);
  int before = d->header + e->skipped + payload; /* the old packet without what trails it */

  if (bpf_xdp_adjust_head(ctx, before - length)) return 0;
  length -= packet_length(ctx);
  if (length < 0) bpf_xdp_adjust_tail(ctx, length);
  return 1;
}

static __always_inline int write_link(struct cursor* c, const struct envelope* e) {
  __be16 type = e->version == 4 ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
  struct ethhdr* eth = cursor_take(c, sizeof(*eth));
  struct vlan_tag* tag;

  if (!eth) return 0;
  __builtin_memcpy(eth, e->mac, sizeof(e->mac));
  eth->h_proto = e->vlan ? bpf_htons(ETH_P_8021Q) : type;
  if (!e->vlan) return 1;
  tag = cursor_take(c, sizeof(*tag));
  if (!tag) return 0;
  tag->control = e->vlan;
  tag->inner = type;
  return 1;
}

/* From what is written, not from the packet: to read there would wait until the processor has stored it. */
static __always_inline __u16 ipv4_checksum(const struct envelope* e, __u8 protocol, __u32 length) {
  __u64 sum = bpf_htons(0x4500 | e->tos) + bpf_htons(length) + e->ip_id + e->fragment;

  sum += bpf_htons(e->ttl << 8 | protocol);
  return checksum_of(sum + e->path.source.word[3] + e->path.destination.word[3]);
}

static __always_inline int write_ipv4(struct cursor* c, const struct envelope* e, __u8 protocol,
                                      __u32 length) {
  struct iphdr* ip = cursor_take(c, sizeof(*ip));

  if (!ip) return 0;
  ip->version = 4;
  ip->ihl = 5;
  ip->tos = e->tos;
  ip->tot_len = bpf_htons(length);
  ip->id = e->ip_id;
  ip->frag_off = e->fragment;
  ip->ttl = e->ttl;
  ip->protocol = protocol;
  ip->check = ipv4_checksum(e, protocol, length);
  ip->saddr = e->path.source.word[3];
  ip->daddr = e->path.destination.word[3];
  return 1;
}

static __always_inline int write_ipv6(struct cursor* c, const struct envelope* e, __u8 protocol,
                                      __u32 length) {
  struct ipv6hdr* ip = cursor_take(c, sizeof(*ip));

  if (!ip) return 0;
  *(__be32*)ip = bpf_htonl(6U << 28 | (__u32)e->tos << 20);
  ip->payload_len = bpf_htons(length - sizeof(*ip));
  ip->nexthdr = protocol;
  ip->hop_limit = e->ttl;
  __builtin_memcpy(&ip->saddr, &e->path.source, 16);
  __builtin_memcpy(&ip->daddr, &e->path.destination, 16);
  return 1;
}

/* `length` is that of the IP packet. */
static __always_inline int write_ip(struct cursor* c, const struct envelope* e, __u8 protocol, __u32 length) {
  return e->version == 4 ? write_ipv4(c, e, protocol, length) : write_ipv6(c, e, protocol, length);
}

static __always_inline int write_udp(struct cursor* c, const struct envelope* e, __u32 payload) {
  struct udphdr* udp = cursor_take(c, sizeof(*udp));

  if (!udp) return 0;
  udp->source = e->path.source_port;
  udp->dest = e->path.destination_port;
  udp->len = bpf_htons(sizeof(*udp) + payload);
  udp->check = e->unsummed ? 0 : udp_checksum_of(e->sum + sum_udp_headers(&e->path, payload));
  return 1;
}

/* All headers, once there is room; the cursor is then where the prefix begins. */
static __always_inline int write_headers(struct cursor* c, const struct envelope* e, __u32 payload) {
  return write_link(c, e) && write_ip(c, e, IPPROTO_UDP, envelope_ip_length(e, payload)) &&
         write_udp(c, e, e->prefix + payload);
}

#endif
