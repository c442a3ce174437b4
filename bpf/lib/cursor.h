/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* The one way to the bytes of a packet, and the one place that compares with its end. */
#ifndef PENSTOCK_BPF_CURSOR_H
#define PENSTOCK_BPF_CURSOR_H

#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

struct cursor {
  void* pos;
  void* end;
};

/* At the packet's first byte. Whatever moves the packet makes a cursor void: take a new one. */
static __always_inline struct cursor cursor_of(const struct xdp_md* ctx) {
  struct cursor c = {(void*)(long)ctx->data, (void*)(long)ctx->data_end};

  return c;
}

/* The next `length` bytes, which are then behind the cursor; NULL if the packet has fewer. */
static __always_inline void* cursor_take(struct cursor* c, __u32 length) {
  void* at = c->pos;

  if (at + length > c->end) return (void*)0;
  c->pos = at + length;
  return at;
}

/* All of its bytes: a long one is in several buffers, and a cursor sees the first. */
static __always_inline __u32 packet_length(const struct xdp_md* ctx) {
  return bpf_xdp_get_buff_len((struct xdp_md*)ctx);
}

#endif
