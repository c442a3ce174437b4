/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* What programs on TC do in place of XDP's way: to read a packet's headers, and to end. */
#ifndef PENSTOCK_BPF_TC_H
#define PENSTOCK_BPF_TC_H

#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

#include "lib/parse.h"
#include "lib/verdict.h"

#define LONGEST_HEADERS (ETH_HLEN + 2 * 4 + 40 + 8) /* bytes: two tags, IPv6, UDP */

static __always_inline struct cursor tc_cursor(const struct __sk_buff* skb) {
  struct cursor c = {(void*)(long)skb->data, (void*)(long)skb->data_end};

  return c;
}

/* Clang 14 else reads fields of the packet only where it needs them, through a pointer that may be to
 * something else: "same insn cannot be used with different pointers", "dereference of modified ctx ptr"
 * (Linux 6.18). */
static __always_inline __u32 tc_length(const struct __sk_buff* skb) {
  __u32 length = skb->len;

  barrier_var(length);
  return length;
}

/* At the packet's first byte, with all its headers in one piece. */
static __always_inline struct cursor tc_headers(struct __sk_buff* skb) {
  struct cursor look = tc_cursor(skb);

  if (!cursor_take(&look, LONGEST_HEADERS))
    bpf_skb_pull_data(skb, skb->len < LONGEST_HEADERS ? skb->len : LONGEST_HEADERS);
  return tc_cursor(skb);
}

/* As parse() of an XDP program. `bare`: no Ethernet header, as on WireGuard. A tag that the device or the
 * system took off is not among the datagram's. */
static __always_inline enum pst_reason tc_parse(struct __sk_buff* skb, int bare, struct datagram* d,
                                                struct outcome* o) {
  struct cursor c = tc_headers(skb);
  __u32 length = tc_length(skb);
  enum pst_reason why;

  d->bare = bare;
  why = parse_from(&c, length, d);
  o->bytes = d->header ? d->payload : length;
  return why;
}

/* What the system joined to one packet: datagrams of one path, all but the last of one size. */
struct joined {
  __u32 datagrams; /* 1: nothing */
  __u32 bytes;     /* of payload in each */
};

/* Barriers as in tc_length(). */
static __always_inline struct joined tc_joined(const struct __sk_buff* skb) {
  __u32 datagrams = skb->gso_segs, bytes = skb->gso_size;
  struct joined j;

  barrier_var(datagrams);
  barrier_var(bytes);
  j.datagrams = datagrams > 1 ? datagrams : 1;
  j.bytes = bytes;
  return j;
}

/* What passes goes on to the filters of others behind ours, as if ours were not there. */
static __always_inline int tc_finish(const struct outcome* o, enum pst_reason why) {
  count(o->program, why, o->bytes);
  if (why == PST_UNDECIDED) return TC_ACT_SHOT;
  if (is_drop(o->program, why)) {
    if (o->service != NO_SERVICE) count_service_drop(o->service, why, o->bytes);
    return TC_ACT_SHOT;
  }
  return o->device ? bpf_redirect(o->device, 0) : TC_ACT_UNSPEC;
}

#endif
