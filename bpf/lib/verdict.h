/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* From a reason to a count and a verdict: the end of every XDP program. */
#ifndef PENSTOCK_BPF_VERDICT_H
#define PENSTOCK_BPF_VERDICT_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "lib/count_maps.h"

/* What helpers return while nothing has stopped the packet. A packet that ends so is our own mistake. */
#define PST_UNDECIDED PST_R_UNKNOWN

#define NO_SERVICE PST_SERVICES

/* What finish() needs besides the reason. */
struct outcome {
  enum pst_program program;
  __u32 bytes;   /* of payload, or of the packet where that is not known */
  __u32 service; /* whose drops count; or NO_SERVICE */
  __u32 device;  /* where a rewritten packet leaves; 0: it stays */
  __u8 keeps;    /* 1: what is steered may go to its lane's ring, */
  __u8 kept;     /* ... and went there */
};

/* The reasons of datagrams are drops; but what found no way is left to the stack, unless it came from there.
 */
static __always_inline int is_drop(enum pst_program program, enum pst_reason why) {
  if (why == PST_R_NO_NEXT_HOP) return program == PST_PROGRAM_STEER_OUT;
  return why >= PST_SERVICE_REASON_FIRST && why < PST_SERVICE_REASON_FIRST + PST_SERVICE_REASONS;
}

static __always_inline int finish(const struct outcome* o, enum pst_reason why) {
  count(o->program, why, o->bytes);
  if (why == PST_UNDECIDED) return XDP_ABORTED;
  if (is_drop(o->program, why)) {
    if (o->service != NO_SERVICE) count_service_drop(o->service, why, o->bytes);
    return XDP_DROP;
  }
  if (why == PST_R_TOLD_MTU) return XDP_TX;
  if (o->kept) return XDP_DROP; /* of the packet: its bytes are elsewhere */
  return o->device ? bpf_redirect(o->device, 0) : XDP_PASS;
}

#endif
