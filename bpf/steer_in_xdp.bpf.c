/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* On the interfaces that backends answer on, where the node serves no clients: replies of sessions alone. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "lib/backend_reply.h"
#include "lib/settings_maps.h"
#include "lib/unread_answer.h"

char LICENSE[] SEC("license") = "GPL";

static __always_inline enum pst_reason decide(struct xdp_md* ctx, struct datagram* d, struct outcome* o) {
  const struct pst_settings* s = settings();
  enum pst_reason why = parse(ctx, d);

  o->bytes = known_bytes(ctx, d);
  if (!s) return PST_UNDECIDED;
  if (names_network(d, s)) return PST_R_FORGED;
  if (why != PST_UNDECIDED) return unread(ctx, d, o, why);
  return serve_reply(ctx, d, s, o, PST_R_NOT_OURS);
}

SEC("xdp")
int steer_in_xdp(struct xdp_md* ctx) {
  struct outcome o = {.program = PST_PROGRAM_STEER_IN, .service = NO_SERVICE, .keeps = 1};
  struct datagram d = {};

  return finish(&o, decide(ctx, &d, &o));
}
