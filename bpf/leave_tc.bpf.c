/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Behind edge_xdp on its interfaces: takes what it rewrote to devices that take no frames from XDP. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "lib/hand_over.h"
#include "lib/tc.h"

char LICENSE[] SEC("license") = "GPL";

/* What bears no note is not counted: it is all that edge_xdp left to the system. */
SEC("tc")
int leave_tc(struct __sk_buff* skb) {
  struct outcome o = {.program = PST_PROGRAM_LEAVE_TC, .bytes = skb->len, .service = NO_SERVICE};
  const struct pst_settings* s = settings();
  const struct note* found = s ? read_note(skb, s) : (void*)0;
  struct note note;

  if (!found) return TC_ACT_UNSPEC;
  note = *found; /* what follows moves the packet */
  if (skb->vlan_present && bpf_skb_vlan_pop(skb)) return tc_finish(&o, PST_UNDECIDED);
  if (note.vlan && bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), bpf_ntohs(note.vlan)))
    return tc_finish(&o, PST_UNDECIDED);
  o.device = note.device;
  return tc_finish(&o, PST_R_FORWARDED);
}
