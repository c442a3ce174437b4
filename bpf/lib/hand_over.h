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

/* Makes room for a note of zeros, which says nothing; 0 where the driver has no metadata. */
static __always_inline int reserve_note(struct xdp_md* ctx) {
  struct cursor c;
  struct note* note;

  if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(*note))) return 0;
  c.pos = (void*)(long)ctx->data_meta;
  c.end = (void*)(long)ctx->data;
  note = cursor_take(&c, sizeof(*note));
  if (!note) return 0;
  __builtin_memset(note, 0, sizeof(*note));
  return 1;
}

/* Fills in the note, which moved with the packet's start. */
static __always_inline int write_note(struct xdp_md* ctx, const struct pst_next_hop* hop) {
  struct cursor c = {(void*)(long)ctx->data_meta, (void*)(long)ctx->data};
  struct note* note = cursor_take(&c, sizeof(*note));
  const struct pst_settings* s = settings();

  if (!note || !s) return 0;
  note->mark[0] = s->instance >> 32;
  note->mark[1] = s->instance;
  note->device = hop->device;
  note->vlan = hop->vlan;
  return 1;
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
