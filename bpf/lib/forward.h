/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Sessions that the kernel forwards alone: between client and backend, without a visit to the controller. */
#ifndef PENSTOCK_BPF_FORWARD_H
#define PENSTOCK_BPF_FORWARD_H

#include "lib/hand_over.h"
#include "lib/proxy.h"
#include "lib/rewrite.h"
#include "lib/tell_mtu.h"

/* From our side of a pair to its other end. */
static __always_inline void address_to(struct envelope* e, const struct pst_session* s, int to_backend) {
  e->path.source = to_backend ? s->source : s->local;
  e->path.destination = to_backend ? s->backend : s->client;
  e->path.source_port = to_backend ? s->source_port : s->local_port;
  e->path.destination_port = to_backend ? s->backend_port : s->client_port;
  e->version = is_v4(&e->path.source) ? 4 : 6;
}

static __always_inline struct envelope forward_envelope(const struct datagram* d, const struct pst_session* s,
                                                        int to_backend) {
  struct envelope e = {};

  address_to(&e, s, to_backend);
  e.ip_id = d->ip_id;
  e.fragment = d->fragment;
  e.ttl = d->ttl - 1;
  e.tos = d->tos;
  if (to_backend && s->flags & PST_SESSION_PROXY) plan_proxy(&e, s);
  return e;
}

/* Adds the payload to the envelope's sum; `offset` is where its `length` bytes are. A datagram without a
 * checksum stays so over IPv4; IPv6 wants one. */
static __always_inline enum pst_reason plan_checksum(struct xdp_md* ctx, const struct datagram* d,
                                                     struct envelope* e, __u32 offset, __u32 length) {
  if (d->checksum) {
    e->sum += sum_payload(d);
    return PST_UNDECIDED;
  }
  if (e->version == 4) {
    e->unsummed = 1;
    return PST_UNDECIDED;
  }
  if (length > SUMMED_AT_MOST) return PST_R_OVER_MTU;
  e->sum += sum_bytes(ctx, offset, length);
  return PST_UNDECIDED;
}

/* Longer than the way takes: tells the sender if it asked for that, else leaves it to the stack's socket. */
static __always_inline enum pst_reason refuse_length(struct xdp_md* ctx, const struct datagram* d,
                                                     const struct envelope* e, __u32 mtu) {
  int before = ip_bytes(d->version) + sizeof(struct udphdr), after = envelope_ip_length(e, 0);
  int told = (int)mtu - (after - before); /* what fits once it has the new headers */

  if (!d->fragment || !may_tell(d, told)) return PST_R_OVER_MTU;
  return tell_mtu(ctx, d, told);
}

static __always_inline void count_forwarded(struct pst_session* s, __u32 payload, int to_backend) {
  if (to_backend) {
    s->to_backend_datagrams++;
    s->to_backend_bytes += payload;
  } else {
    s->to_client_datagrams++;
    s->to_client_bytes += payload;
  }
}

/* Sends the datagram on to the session's other side; `device` becomes where it leaves. */
static __always_inline enum pst_reason forward(struct xdp_md* ctx, const struct datagram* d,
                                               struct pst_session* s, int to_backend, __u32* device) {
  const struct pst_next_hop* hop = next_hop(to_backend ? s->backend_hop : s->client_hop);
  struct envelope e = forward_envelope(d, s, to_backend);
  __u32 frames, leaves_by;
  enum pst_reason why;
  struct cursor c;

  if (!hop || !hop->device) return PST_R_NO_NEXT_HOP;
  frames = takes_frames(hop);
  if (d->ttl <= 1) return PST_R_TTL_EXPIRED;
  if (envelope_ip_length(&e, d->payload) > hop->mtu) return refuse_length(ctx, d, &e, hop->mtu);
  why = plan_checksum(ctx, d, &e, d->header, d->payload);
  if (why != PST_UNDECIDED) return why;
  leave_by(&e, hop);
  leaves_by = hop->device * frames;
  e.vlan *= frames;
  if (!frames && !leave_note(ctx, hop)) return PST_R_TO_SOCKET;
  if (!make_room(ctx, d, &e, d->payload)) {
    if (!frames) take_note_back(ctx);
    return PST_R_OVER_MTU;
  }
  c = cursor_of(ctx);
  if (!write_headers(&c, &e, d->payload)) return PST_UNDECIDED;
  if (to_backend && s->flags & PST_SESSION_PROXY && !write_proxy(&c, s)) return PST_UNDECIDED;
  count_forwarded(s, d->payload, to_backend);
  *device = leaves_by;
  return PST_R_FORWARDED;
}

#endif
