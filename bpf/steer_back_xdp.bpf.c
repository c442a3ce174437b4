/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* On the near end of the steering device, where backends of this host answer into the steering network. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "lib/backend_reply.h"
#include "lib/settings_maps.h"

char LICENSE[] SEC("license") = "GPL";

/* Nothing in the steering network listens for anything but whole datagrams of sessions. */
static __always_inline enum pst_reason decide(struct xdp_md* ctx, struct datagram* d, struct outcome* o) {
  const struct pst_settings* s = settings();
  enum pst_reason why = parse(ctx, d);
  int inside;

  o->bytes = known_bytes(ctx, d);
  if (!s) return PST_UNDECIDED;
  inside = is_inside(s, &d->path.destination);
  if (why != PST_UNDECIDED) return inside ? PST_R_STRAY : why;
  return serve_reply(ctx, d, s, o, inside ? PST_R_STRAY : PST_R_NOT_OURS);
}

SEC("xdp.frags")
int steer_back_xdp(struct xdp_md* ctx) {
  struct outcome o = {.program = PST_PROGRAM_STEER_IN, .service = NO_SERVICE};
  struct datagram d = {};

  return finish(&o, decide(ctx, &d, &o));
}
