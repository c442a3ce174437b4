/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * Forwarding on TC. Nothing here makes a datagram longer or shorter: packets of this host have no checksum
 * yet, and a packet may be many datagrams that the system joined; both bear new addresses, and neither bears
 * that its payload moves. So a datagram that needs a PROXY header, a frame or the other IP version goes to a
 * socket.
 */
#ifndef PENSTOCK_BPF_TC_FORWARD_H
#define PENSTOCK_BPF_TC_FORWARD_H

#include "lib/session.h"
#include "lib/tc.h"

#define IPV4_CHECKSUM 10 /* offsets in headers */
#define IPV4_TTL 8
#define IPV4_ADDRESSES 12
#define IPV6_HOP_LIMIT 7
#define IPV6_ADDRESSES 8
#define UDP_CHECKSUM 6

/* Both addresses of a path in a row; v4-mapped ones have the sum of what stands in an IPv4 header. */
static __always_inline __s64 addresses_sum(const struct pst_path* from, const struct pst_path* to) {
  return bpf_csum_diff((__be32*)&from->source, 2 * sizeof(from->source), (__be32*)&to->source,
                       2 * sizeof(to->source), 0);
}

/* A sum over addresses may stand alone in the field, where the device adds the rest. */
static __always_inline int tc_sum_udp(struct __sk_buff* skb, __u32 udp, const struct pst_path* from,
                                      const struct pst_path* to) {
  __s64 ports = bpf_csum_diff((__be32*)&from->source_port, 4, (__be32*)&to->source_port, 4, 0);

  return !bpf_l4_csum_replace(skb, udp + UDP_CHECKSUM, 0, addresses_sum(from, to),
                              BPF_F_PSEUDO_HDR | BPF_F_MARK_MANGLED_0) &&
         !bpf_l4_csum_replace(skb, udp + UDP_CHECKSUM, 0, ports, BPF_F_MARK_MANGLED_0);
}

static __always_inline int tc_write_ipv4(struct __sk_buff* skb, __u32 at, const struct datagram* d,
                                         const struct envelope* e) {
  __be32 ends[2] = {e->path.source.word[3], e->path.destination.word[3]};
  __be16 before = bpf_htons(d->ttl << 8 | IPPROTO_UDP), after = bpf_htons(e->ttl << 8 | IPPROTO_UDP);

  return !bpf_l3_csum_replace(skb, at + IPV4_CHECKSUM, 0, addresses_sum(&d->path, &e->path), 0) &&
         !bpf_l3_csum_replace(skb, at + IPV4_CHECKSUM, before, after, 2) &&
         !bpf_skb_store_bytes(skb, at + IPV4_TTL, &e->ttl, 1, 0) &&
         !bpf_skb_store_bytes(skb, at + IPV4_ADDRESSES, ends, sizeof(ends), 0);
}

static __always_inline int tc_write_ipv6(struct __sk_buff* skb, __u32 at, const struct envelope* e) {
  return !bpf_skb_store_bytes(skb, at + IPV6_HOP_LIMIT, &e->ttl, 1, BPF_F_RECOMPUTE_CSUM) &&
         !bpf_skb_store_bytes(skb, at + IPV6_ADDRESSES, &e->path.source, 2 * sizeof(e->path.source), 0);
}

/* The envelope's addresses, ports and TTL in place of the datagram's, at the IP header's offset. */
static __always_inline int tc_write(struct __sk_buff* skb, __u32 at, const struct datagram* d,
                                    const struct envelope* e) {
  __u32 udp = at + ip_bytes(e->version);

  if (d->checksum && !tc_sum_udp(skb, udp, &d->path, &e->path)) return 0;
  if (e->version == 4 ? !tc_write_ipv4(skb, at, d, e) : !tc_write_ipv6(skb, at, e)) return 0;
  return !bpf_skb_store_bytes(skb, udp, &e->path.source_port, 4, BPF_F_INVALIDATE_HASH);
}

/* What trails the IP packet goes; a joined packet has nothing there. */
static __always_inline int tc_trim(struct __sk_buff* skb, const struct datagram* d, const struct joined* j) {
  __u32 length = d->header + d->payload;

  return skb->len <= length || j->datagrams > 1 || !bpf_skb_change_tail(skb, length, 0);
}

static __always_inline int tc_drop_tags(struct __sk_buff* skb, const struct datagram* d) {
  __u32 tags = d->tags + (skb->vlan_present ? 1 : 0);

#pragma unroll
  for (__u32 i = 0; i < 3; i++)
    if (i < tags && bpf_skb_vlan_pop(skb)) return 0;
  return 1;
}

/* The hop's Ethernet header. The system takes one off by itself where the device has none. */
static __always_inline int tc_write_link(struct __sk_buff* skb, const struct datagram* d,
                                         const struct pst_next_hop* hop) {
  struct ethhdr eth = {};

  if (hop->way == PST_HOP_BARE) return 1;
  __builtin_memcpy(eth.h_dest, hop->to, 6);
  __builtin_memcpy(eth.h_source, hop->from, 6);
  eth.h_proto = d->version == 4 ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
  if (d->bare && bpf_skb_change_head(skb, ETH_HLEN, 0)) return 0;
  if (bpf_skb_store_bytes(skb, 0, &eth, sizeof(eth), 0)) return 0;
  return !hop->vlan || !bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), bpf_ntohs(hop->vlan));
}

static __always_inline int is_longer(const struct datagram* d, const struct joined* j, __u32 mtu) {
  __u32 payload = j->datagrams > 1 ? j->bytes : d->payload;

  return ip_bytes(d->version) + sizeof(struct udphdr) + payload > mtu;
}

/* Sends on what the session's way takes as it is; changes nothing unless all of it can be done. */
static __always_inline enum pst_reason tc_forward(struct __sk_buff* skb, const struct datagram* d,
                                                  const struct joined* j, struct pst_session* s,
                                                  int to_backend, __u32* device) {
  const struct pst_next_hop* hop = next_hop(to_backend ? s->backend_hop : s->client_hop);
  struct envelope e = forward_envelope(d, s, to_backend);

  if (e.prefix || e.version != d->version) return PST_R_TO_SOCKET;
  if (!hop || !hop->device) return PST_R_NO_NEXT_HOP;
  if (d->ttl <= 1) return PST_R_TTL_EXPIRED;
  if (is_longer(d, j, hop->mtu)) return PST_R_OVER_MTU;
  if (!tc_trim(skb, d, j) || !tc_drop_tags(skb, d)) return PST_UNDECIDED;
  if (!tc_write(skb, d->bare ? 0 : ETH_HLEN, d, &e) || !tc_write_link(skb, d, hop)) return PST_UNDECIDED;
  count_forwarded(s, d->payload, to_backend);
  if (to_backend)
    s->to_backend_datagrams += j->datagrams - 1;
  else
    s->to_client_datagrams += j->datagrams - 1;
  *device = hop->device;
  return PST_R_FORWARDED;
}

/* A datagram that belongs to a session: sent on, or left to the socket that sk_lookup leads it to. */
static __always_inline enum pst_reason tc_serve(struct __sk_buff* skb, const struct datagram* d,
                                                const struct joined* j, struct pst_session* session,
                                                const struct pst_path_owner* owner, __u32* device) {
  if (owner->from_backend)
    session->backend_seen = seen_now();
  else
    session->client_seen = seen_now();
  if (!(session->flags & PST_SESSION_DIRECT)) return PST_R_TO_SOCKET;
  return tc_forward(skb, d, j, session, !owner->from_backend, device);
}

#endif
