/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* On those interfaces of an edge that take no XDP program: guard, port, session; direct sessions go straight
 * on, the others to their sockets. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "lib/edge.h"
#include "lib/tc_forward.h"

char LICENSE[] SEC("license") = "GPL";

static __always_inline enum pst_reason decide(struct __sk_buff* skb, int bare, struct outcome* o) {
  const struct pst_settings* s = settings();
  struct pst_path_owner owner = {};
  struct datagram d = {};
  enum pst_reason why = tc_parse(skb, bare, &d, o);
  struct joined j = tc_joined(skb);
  struct pst_session* session;

  if (!s) return PST_UNDECIDED;
  if (names_network(&d, s)) return PST_R_FORGED;
  if (why != PST_UNDECIDED) return why;
  session = session_of(&d.path, &owner);
  if (!session) return edge_unknown(&d, s, j.datagrams, o);
  why = edge_known(&d, s, session, &owner, j.datagrams, o);
  return why == PST_UNDECIDED ? tc_serve(skb, &d, &j, session, &owner, &o->device) : why;
}

SEC("tc")
int edge_tc(struct __sk_buff* skb) {
  struct outcome o = {.program = PST_PROGRAM_EDGE_TC, .service = NO_SERVICE};

  return tc_finish(&o, decide(skb, 0, &o));
}

/* Where packets begin with the IP header. */
SEC("tc")
int edge_tc_bare(struct __sk_buff* skb) {
  struct outcome o = {.program = PST_PROGRAM_EDGE_TC, .service = NO_SERVICE};

  return tc_finish(&o, decide(skb, 1, &o));
}
