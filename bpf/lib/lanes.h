/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Inward frames without the host's stack: a lane's ring, from which the controller reads
 * (penstock/abi/frame.h). */
#ifndef PENSTOCK_BPF_LANES_H
#define PENSTOCK_BPF_LANES_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "lib/rewrite.h"
#include "penstock/abi/frame.h"
#include "penstock/abi/settings.h"

struct lane_ring {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 4096); /* of one that is never used: controllers put in their own */
};

/* A lane without a ring gets frames by its socket. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
  __uint(max_entries, PST_LANES);
  __type(key, __u32);
  __uint(pinning, LIBBPF_PIN_BY_NAME);
  __array(values, struct lane_ring);
} pst_lane_rings SEC(".maps");

/* What local senders leave to a network card has the sum of the pseudo-header in the place of a checksum. */
static __always_inline int is_unfinished(const struct datagram* d) {
  __u64 pseudo = sum_address(&d->path.source) + sum_address(&d->path.destination) +
                 bpf_htons(d->payload + 8) + bpf_htons(IPPROTO_UDP);

  return d->checksum == sum_fold(pseudo);
}

static __always_inline __u16 kept_sum(const struct datagram* d) {
  __u16 sum = sum_fold(sum_payload(d));

  if (!d->checksum || is_unfinished(d)) return 0;
  return sum ? sum : 0xffff;
}

#define KEPT_AT_MOST 4096U /* bytes: more than a packet of one buffer has */

/* Room is taken in a few sizes, since the verifier wants constants. */
static __always_inline __u32 room_for(__u32 payload) {
  if (payload <= 64) return 64;
  if (payload <= 128) return 128;
  if (payload <= 256) return 256;
  if (payload <= 512) return 512;
  if (payload <= 1024) return 1024;
  if (payload <= 1280) return 1280;
  if (payload <= 1536) return 1536;
  return payload <= 2048 ? 2048 : KEPT_AT_MOST;
}

/* Copies the datagram, of KEPT_AT_MOST bytes at most, into its lane's ring, after which the packet is of no
 * use. */
static __always_inline enum pst_reason keep(struct xdp_md* ctx, const struct datagram* d, void* ring,
                                            __u32 id) {
  __u16 sum = kept_sum(d); /* before there is a path for the verifier for each size of room */
  __u32 room = room_for(d->payload);
  struct pst_frame_kept* kept = bpf_ringbuf_reserve(ring, sizeof(*kept) + room, 0);
  __u64 last = (__u64)d->payload - 1;

  if (!kept) return PST_R_OVERRUN;
  kept->length = d->payload;
  kept->sum = sum;
  kept->id = bpf_htonl(id);
  barrier_var(last); /* as in sum_bytes() */
  if (d->payload && (last >= room || bpf_xdp_load_bytes(ctx, d->header, kept + 1, last + 1))) {
    bpf_ringbuf_discard(kept, 0);
    return PST_UNDECIDED;
  }
  bpf_ringbuf_submit(kept, 0);
  return PST_R_STEERED;
}

#endif
