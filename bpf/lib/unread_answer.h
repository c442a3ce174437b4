/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Answers of transparent sessions that the parser left: the stack would send them to the client as they are.
 */
#ifndef PENSTOCK_BPF_UNREAD_ANSWER_H
#define PENSTOCK_BPF_UNREAD_ANSWER_H

#include "lib/parse.h"
#include "lib/session_maps.h"

#define IP_OFFSET bpf_htons(0x1fff)
#define IPV6_OFFSET bpf_htons(0xfff8)

/* The start of an IPv6 extension header. */
struct extension {
  __u8 next;
  __u8 more; /* its length beyond these 8 bytes, in 8 bytes; a fragment header has none */
  __be16 offset;
  __be32 rest;
};

struct udp_ports {
  __be16 source;
  __be16 destination;
};

/* Both put the cursor where UDP begins, if it begins in this packet and behind what is known here. */
static __always_inline int skip_ipv4(struct cursor* c) {
  const struct iphdr* ip = cursor_take(c, sizeof(*ip));

  if (!ip || ip->frag_off & IP_OFFSET) return 0;
  return cursor_take(c, (ip->ihl - 5 & 15) * 4) != (void*)0;
}

static __always_inline int skip_ipv6(struct cursor* c) {
  const struct ipv6hdr* ip = cursor_take(c, sizeof(*ip));
  const struct extension* e = cursor_take(c, sizeof(*e));

  if (!ip || !e || e->next != IPPROTO_UDP) return 0;
  switch (ip->nexthdr) {
    case IPPROTO_FRAGMENT:
      return !(e->offset & IPV6_OFFSET);
    case IPPROTO_HOPOPTS:
    case IPPROTO_ROUTING:
    case IPPROTO_DSTOPTS:
      return cursor_take(c, e->more * 8) != (void*)0;
    default:
      return 0;
  }
}

/* Reads the ports of a packet that the parser left for its IP header. */
static __always_inline int read_ports(const struct xdp_md* ctx, struct datagram* d) {
  struct cursor c = cursor_of(ctx);
  const struct udp_ports* ports;

  if (!cursor_take(&c, ETH_HLEN + 4 * (d->tags & 3))) return 0;
  if (!(d->version == 4 ? skip_ipv4(&c) : skip_ipv6(&c))) return 0;
  ports = cursor_take(&c, sizeof(*ports));
  if (!ports) return 0;
  d->path.source_port = ports->source;
  d->path.destination_port = ports->destination;
  return 1;
}

/* `why` is the parser's reason, and is returned unless it left a transparent session's answer, or the first
 * fragment of one: without that the others are nothing to the client. */
static __always_inline enum pst_reason unread(const struct xdp_md* ctx, struct datagram* d, struct outcome* o,
                                              enum pst_reason why) {
  struct pst_path_owner owner = {};
  const struct pst_session* session;

  if (why != PST_R_FRAGMENT && why != PST_R_IP_OPTIONS) return why;
  if (!read_ports(ctx, d)) return why;
  session = session_of(&d->path, &owner);
  if (!session || !owner.from_backend || !(session->flags & PST_SESSION_TRANSPARENT)) return why;
  o->service = session->service;
  return PST_R_UNDELIVERABLE;
}

#endif
