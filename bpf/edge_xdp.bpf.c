/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* On the public interfaces of an edge: guard, port, session; then to the steering socket or straight on. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "lib/edge.h"
#include "lib/session.h"
#include "lib/settings_maps.h"
#include "lib/unread_answer.h"

char LICENSE[] SEC("license") = "GPL";

static __always_inline enum pst_reason decide(struct xdp_md* ctx, struct datagram* d, struct outcome* o) {
  const struct pst_settings* s = settings();
  enum pst_reason why = parse(ctx, d);
  struct pst_path_owner owner = {};
  struct pst_session* session;

  o->bytes = known_bytes(ctx, d);
  if (!s) return PST_UNDECIDED;
  if (names_network(d, s)) return PST_R_FORGED; /* it wants to be taken for ours */
  if (why != PST_UNDECIDED) return unread(ctx, d, o, why);
  session = session_of(&d->path, &owner);
  if (!session) return edge_unknown(d, s, 1, o);
  why = edge_known(d, s, session, &owner, 1, o);
  return why == PST_UNDECIDED ? serve(ctx, d, s, session, &owner, o) : why;
}

SEC("xdp")
int edge_xdp(struct xdp_md* ctx) {
  struct outcome o = {.program = PST_PROGRAM_EDGE, .service = NO_SERVICE, .keeps = 1};
  struct datagram d = {};

  return finish(&o, decide(ctx, &d, &o));
}
