/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* A datagram that belongs to a session, on whichever interface it came. */
#ifndef PENSTOCK_BPF_SESSION_H
#define PENSTOCK_BPF_SESSION_H

#include "lib/forward.h"
#include "lib/lanes.h"
#include "lib/steer.h"

/* Milliseconds as in pst_session; 0 stays free for "never". */
static __always_inline __u32 seen_now(void) {
  __u32 now = bpf_ktime_get_coarse_ns() / 1000000;

  return now ? now : 1;
}

/* What counters add: the payload, or the whole packet where it was not found. */
static __always_inline __u32 known_bytes(const struct xdp_md* ctx, const struct datagram* d) {
  return d->header ? d->payload : packet_length(ctx);
}

/* Whether an end of it is in the steering device's network, which is nobody else's. */
static __always_inline int names_network(const struct datagram* d, const struct pst_settings* s) {
  return is_inside(s, &d->path.source) || is_inside(s, &d->path.destination);
}

/* The backend of a transparent session answers to the client's address, where the stack would send it on as
 * it is: it is the programs' alone. */
static __always_inline int is_ours_alone(const struct pst_session* session,
                                         const struct pst_path_owner* owner, enum pst_reason why) {
  if (!owner->from_backend || !(session->flags & PST_SESSION_TRANSPARENT)) return 0;
  return why == PST_R_OVER_MTU || why == PST_R_NO_NEXT_HOP;
}

/* Steers by the lane's ring if it has one, else by its socket. */
static __always_inline enum pst_reason steer_by_lane(struct xdp_md* ctx, const struct datagram* d,
                                                     const struct pst_settings* s,
                                                     const struct pst_session* session, __u32 id,
                                                     struct outcome* o) {
  __u32 lane = session->lane;
  void* ring = o->keeps ? bpf_map_lookup_elem(&pst_lane_rings, &lane) : (void*)0;

  if (!ring || d->payload > KEPT_AT_MOST) return steer(ctx, d, s, session, id);
  o->kept = 1;
  return keep(ctx, d, ring, id);
}

/* Steers or forwards, by the session's flags; an answer that is ours alone is steered where it cannot be
 * forwarded. */
static __always_inline enum pst_reason serve(struct xdp_md* ctx, const struct datagram* d,
                                             const struct pst_settings* s, struct pst_session* session,
                                             const struct pst_path_owner* owner, struct outcome* o) {
  __u32 frame_id = owner->id;
  enum pst_reason why;

  if (owner->from_backend)
    session->backend_seen = seen_now();
  else
    session->client_seen = seen_now();
  if (session->flags & PST_SESSION_DIRECT) {
    why = forward(ctx, d, session, !owner->from_backend, &o->device);
    if (!is_ours_alone(session, owner, why)) return why;
    frame_id |= PST_FRAME_FROM_BACKEND;
  }
  why = steer_by_lane(ctx, d, s, session, frame_id, o);
  return is_ours_alone(session, owner, why) ? PST_R_UNDELIVERABLE : why;
}

#endif
