/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* From bytes to a datagram: Ethernet, up to two VLAN tags, IPv4 or IPv6, UDP. Changes nothing. */
#ifndef PENSTOCK_BPF_PARSE_H
#define PENSTOCK_BPF_PARSE_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "lib/address.h"
#include "lib/cursor.h"
#include "lib/verdict.h"
#include "penstock/abi/session.h"

#define IP_FRAGMENT bpf_htons(0x3fff) /* more to come, or not the first */
#define IP_DONT_FRAGMENT bpf_htons(0x4000)

struct vlan_tag {
  __be16 control;
  __be16 inner; /* EtherType of what follows */
};

/* What is known of a packet. Whatever could not be read is zero. */
struct datagram {
  struct pst_path path;
  __u8 mac[12]; /* destination and source */
  __be16 tag_type[2];
  __be16 tag[2];
  __u32 tags;
  __u32 header;  /* bytes in front of the payload */
  __u32 payload; /* bytes; 0 if malformed */
  __be16 checksum;
  __be16 ip_id;    /* IPv4 */
  __be16 fragment; /* IPv4: "do not fragment" and no more; for IPv6 as if that were set */
  __u8 version;    /* of IP: 4 or 6 once the addresses are known */
  __u8 ttl;
  __u8 tos;
  __u8 malformed; /* its lengths contradict each other; the ports are known all the same */
  __u8 mapped;    /* an IPv6 packet from an IPv4 address: no path is so, as both ends have one family */
  __u8 bare;      /* the packet began with its IP header; set before it is parsed */
};

static __always_inline __u32 link_bytes(const struct datagram* d) {
  return d->bare ? 0 : ETH_HLEN + 4 * d->tags;
}

static __always_inline __u32 ip_bytes(__u32 version) {
  return version == 4 ? 20 : 40;
}

/* Returns the EtherType behind the tags, or 0. */
static __always_inline __be16 parse_link(struct cursor* c, struct datagram* d) {
  const struct ethhdr* eth = cursor_take(c, sizeof(*eth));
  __be16 type;

  if (!eth) return 0;
  __builtin_memcpy(d->mac, eth, sizeof(d->mac));
  type = eth->h_proto;
#pragma unroll
  for (int i = 0; i < 2; i++) {
    const struct vlan_tag* tag;

    if (type != bpf_htons(ETH_P_8021Q) && type != bpf_htons(ETH_P_8021AD)) break;
    tag = cursor_take(c, sizeof(*tag));
    if (!tag) return 0;
    d->tag_type[i] = type;
    d->tag[i] = tag->control;
    d->tags = i + 1;
    type = tag->inner;
  }
  return type;
}

/* `length` is what the IP header leaves for UDP. */
static __always_inline enum pst_reason parse_udp(struct cursor* c, struct datagram* d, __u32 length) {
  const struct udphdr* udp = cursor_take(c, sizeof(*udp));

  if (!udp) return PST_R_NOT_OURS;
  d->path.source_port = udp->source;
  d->path.destination_port = udp->dest;
  d->checksum = udp->check;
  d->header = link_bytes(d) + ip_bytes(d->version) + sizeof(*udp);
  if (bpf_ntohs(udp->len) != length || length < sizeof(*udp)) d->malformed = 1;
  if (!d->malformed) d->payload = length - sizeof(*udp);
  return PST_UNDECIDED;
}

/* `room` is the bytes of the packet behind the Ethernet header. */
static __always_inline enum pst_reason parse_ipv4(struct cursor* c, struct datagram* d, __u32 room) {
  const struct iphdr* ip = cursor_take(c, sizeof(*ip));
  __u32 length;

  if (!ip || ip->version != 4 || ip->ihl < 5) return PST_R_NOT_OURS;
  d->version = 4;
  d->path.source = v4_mapped(ip->saddr);
  d->path.destination = v4_mapped(ip->daddr);
  d->ttl = ip->ttl;
  d->tos = ip->tos;
  d->ip_id = ip->id;
  d->fragment = ip->frag_off & IP_DONT_FRAGMENT;
  if (ip->protocol != IPPROTO_UDP) return PST_R_NOT_OURS;
  if (ip->frag_off & IP_FRAGMENT) return PST_R_FRAGMENT;
  if (ip->ihl != 5) return PST_R_IP_OPTIONS;
  length = bpf_ntohs(ip->tot_len);
  if (length > room || length < sizeof(*ip)) d->malformed = 1;
  return parse_udp(c, d, length - sizeof(*ip));
}

static __always_inline enum pst_reason next_header_reason(__u8 next) {
  switch (next) {
    case IPPROTO_UDP:
      return PST_UNDECIDED;
    case IPPROTO_FRAGMENT:
      return PST_R_FRAGMENT;
    case IPPROTO_HOPOPTS:
    case IPPROTO_ROUTING:
    case IPPROTO_DSTOPTS:
    case IPPROTO_AH:
    case IPPROTO_MH:
      return PST_R_IP_OPTIONS;
    default:
      return PST_R_NOT_OURS;
  }
}

static __always_inline enum pst_reason parse_ipv6(struct cursor* c, struct datagram* d, __u32 room) {
  const struct ipv6hdr* ip = cursor_take(c, sizeof(*ip));
  enum pst_reason why;
  __u32 length;

  if (!ip || ip->version != 6) return PST_R_NOT_OURS;
  d->version = 6;
  __builtin_memcpy(&d->path.source, &ip->saddr, 16);
  __builtin_memcpy(&d->path.destination, &ip->daddr, 16);
  d->mapped = is_v4(&d->path.source);
  if (is_v4(&d->path.destination)) return PST_R_NOT_OURS;
  d->ttl = ip->hop_limit;
  d->tos = ip->priority << 4 | ip->flow_lbl[0] >> 4;
  d->fragment = IP_DONT_FRAGMENT;
  why = next_header_reason(ip->nexthdr);
  if (why != PST_UNDECIDED) return why;
  length = bpf_ntohs(ip->payload_len);
  if (length + sizeof(*ip) > room) d->malformed = 1;
  why = parse_udp(c, d, length);
  if (why == PST_UNDECIDED && d->checksum == 0)
    return PST_R_NOT_OURS; /* IPv6 forbids it: the stack's choice */
  return why;
}

/* The EtherType that the first byte of an IP header stands for, or 0. */
static __always_inline __be16 parse_bare(struct cursor c) {
  const __u8* first = cursor_take(&c, 1);

  if (!first) return 0;
  return *first >> 4 == 4 ? bpf_htons(ETH_P_IP) : *first >> 4 == 6 ? bpf_htons(ETH_P_IPV6) : 0;
}

/* Why the packet of `length` bytes is none for us, or PST_UNDECIDED. */
static __always_inline enum pst_reason parse_from(struct cursor* c, __u32 length, struct datagram* d) {
  __be16 type = d->bare ? parse_bare(*c) : parse_link(c, d);

  if (type == bpf_htons(ETH_P_IP)) return parse_ipv4(c, d, length - link_bytes(d));
  if (type == bpf_htons(ETH_P_IPV6)) return parse_ipv6(c, d, length - link_bytes(d));
  return PST_R_NOT_OURS;
}

static __always_inline enum pst_reason parse(const struct xdp_md* ctx, struct datagram* d) {
  struct cursor c = cursor_of(ctx);

  return parse_from(&c, packet_length(ctx), d);
}

#endif
