/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * From XDP to TC on the same interface: XDP has rewritten the packet and cannot redirect it to its device,
 * which takes no frames from XDP. The device's number travels as metadata in front of the packet, which
 * nothing that comes in by the wire has, and which the system drops where it ends.
 */
#ifndef PENSTOCK_BPF_HAND_OVER_H
#define PENSTOCK_BPF_HAND_OVER_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "lib/cursor.h"
#include "lib/settings_maps.h"
#include "penstock/abi/session.h"

struct note {
  __u32 mark[2]; /* pst_settings.instance: other programs leave metadata too */
  __u32 device;  /* ifindex */
  __be16 vlan;   /* tag to push, which is not in the packet: the system would take it for one that came in */
  __u16 zero;
};

/* Whether XDP redirects by the hop: 1 or 0, without a branch, behind which the verifier would walk all of the
 * rewriting a second time. */
static __always_inline __u32 takes_frames(const struct pst_next_hop* hop) {
  __u64 way = hop->way;

  barrier_var(way);
  return (way - 1) >> 63;
}

/* Says where the packet goes once it is rewritten; 0 where the driver has no metadata. */
static __always_inline int leave_note(struct xdp_md* ctx, const struct pst_next_hop* hop) {
  const struct pst_settings* s = settings();
  struct cursor c;
  struct note* note;

  if (!s || bpf_xdp_adjust_meta(ctx, -(int)sizeof(*note))) return 0;
  c.pos = (void*)(long)ctx->data_meta;
  c.end = (void*)(long)ctx->data;
  note = cursor_take(&c, sizeof(*note));
  if (!note) return 0;
  note->mark[0] = s->instance >> 32;
  note->mark[1] = s->instance;
  note->device = hop->device;
  note->vlan = hop->vlan;
  note->zero = 0;
  return 1;
}

static __always_inline void take_note_back(struct xdp_md* ctx) {
  bpf_xdp_adjust_meta(ctx, sizeof(struct note));
}

/* A note of ours; NULL without one. */
static __always_inline const struct note* read_note(const struct __sk_buff* skb,
                                                    const struct pst_settings* s) {
  struct cursor c = {(void*)(long)skb->data_meta, (void*)(long)skb->data};
  const struct note* note = cursor_take(&c, sizeof(*note));

  if (!note || !s->instance) return (void*)0;
  return note->mark[0] == s->instance >> 32 && note->mark[1] == (__u32)s->instance ? note : (void*)0;
}

#endif
