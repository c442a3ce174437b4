/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Inward frames: a datagram of a session becomes one for its lane's steering socket (penstock/abi/frame.h).
 */
#ifndef PENSTOCK_BPF_STEER_H
#define PENSTOCK_BPF_STEER_H

#include "lib/rewrite.h"
#include "penstock/abi/frame.h"
#include "penstock/abi/settings.h"

/* The steering socket's port, or 0. */
static __always_inline __be16 lane_port(const struct pst_settings* s, __u32 lane) {
  return lane < PST_LANES && lane < s->lanes ? s->lane_port[lane] : 0;
}

static __always_inline struct envelope inward_envelope(const struct datagram* d, const struct pst_settings* s,
                                                       __be16 port, __be32 id) {
  struct envelope e = {};

  e.path.source = v4_mapped(s->virtual_address);
  e.path.destination = v4_mapped(s->steering_address);
  e.path.source_port = s->virtual_port;
  e.path.destination_port = port;
  __builtin_memcpy(e.mac, d->mac, sizeof(e.mac));
  e.prefix = sizeof(struct pst_frame_in);
  e.version = 4;
  e.fragment = IP_DONT_FRAGMENT;
  e.ttl = OUR_TTL;
  e.unsummed = !d->checksum;
  e.sum = sum_payload(d) + id;
  return e;
}

/* Hands the datagram to the session's steering socket. */
static __always_inline enum pst_reason steer(struct xdp_md* ctx, const struct datagram* d,
                                             const struct pst_settings* s, const struct pst_session* session,
                                             __u32 id) {
  __be16 port = lane_port(s, session->lane);
  struct envelope e = inward_envelope(d, s, port, bpf_htonl(id));
  struct pst_frame_in* frame;
  struct cursor c;

  if (!port || !s->steering_address) return PST_R_NO_NEXT_HOP;
  if (!make_room(ctx, d, &e, d->payload)) return PST_R_OVER_MTU;
  c = cursor_of(ctx);
  if (!write_headers(&c, &e, d->payload)) return PST_UNDECIDED;
  frame = cursor_take(&c, sizeof(*frame));
  if (!frame) return PST_UNDECIDED;
  frame->id = bpf_htonl(id);
  return PST_R_STEERED;
}

#endif
