/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* A datagram that belongs to a session, on whichever interface it came. */
#ifndef PENSTOCK_BPF_SESSION_H
#define PENSTOCK_BPF_SESSION_H

#include "lib/forward.h"
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

/* Steers or forwards, by the session's flags. */
static __always_inline enum pst_reason serve(struct xdp_md* ctx, const struct datagram* d,
                                             const struct pst_settings* s, struct pst_session* session,
                                             const struct pst_path_owner* owner, __u32* device) {
  if (owner->from_backend)
    session->backend_seen = seen_now();
  else
    session->client_seen = seen_now();
  if (session->flags & PST_SESSION_DIRECT) return forward(ctx, d, session, !owner->from_backend, device);
  return steer(ctx, d, s, session, owner->id);
}

#endif
