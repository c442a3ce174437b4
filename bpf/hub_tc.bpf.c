/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* On interfaces that take no XDP program, of a node that serves no clients: answers of sessions' backends. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "lib/settings_maps.h"
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
  if (!session || !owner.from_backend) return PST_R_NOT_OURS;
  o->service = session->service;
  if (d.malformed) return PST_R_MALFORMED;
  return tc_serve(skb, &d, &j, session, &owner, &o->device);
}

SEC("tc")
int hub_tc(struct __sk_buff* skb) {
  struct outcome o = {.program = PST_PROGRAM_HUB_TC, .service = NO_SERVICE};

  return tc_finish(&o, decide(skb, 0, &o));
}

/* Where packets begin with the IP header. */
SEC("tc")
int hub_tc_bare(struct __sk_buff* skb) {
  struct outcome o = {.program = PST_PROGRAM_HUB_TC, .service = NO_SERVICE};

  return tc_finish(&o, decide(skb, 1, &o));
}
