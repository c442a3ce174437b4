/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * How datagrams of all sessions share one steering socket of the controller. Compiled as C and as C++.
 *
 * In, to a lane's steering socket, IPv4 UDP from virtual:port to steering:lane port:
 *   [pst_frame_in][payload]
 * Out, from it along the steering device, IPv4 UDP from steering:lane port to virtual:port:
 *   [pst_frame_out][payload][padding]
 *
 * Inward frames of all sessions have the same addresses, TTL, TOS and id, and a checksum, so that the
 * receiver's GRO joins those of equal size. Outward frames are padded with zeros to the size of the largest
 * in the batch, so that one sendmsg() with UDP_SEGMENT takes them all; the program cuts the padding off. The
 * virtual address and port are random per start of the controller: what has others was not made by us, and is
 * dropped as `forged`.
 *
 * A lane may have a ring and a device of its own beside its socket. What the programs would make a frame to
 * the socket of, on an interface of the network, is then kept in the ring; and the controller writes outward
 * frames to the device, which is nobody else's: [pst_frame_written][payload], a packet without headers.
 */
#ifndef PENSTOCK_ABI_FRAME_H
#define PENSTOCK_ABI_FRAME_H

#include "penstock/abi/size.h"

struct pst_frame_in {
  __be32 id; /* with PST_FRAME_FROM_BACKEND where it is due */
};
PST_ABI_SIZE(struct pst_frame_in, 4);

/* In an inward frame's id: an answer of a direct session's backend. Else a session has one side that is
 * steered. */
#define PST_FRAME_FROM_BACKEND (1U << 31)

/* The same in a ring of pst_lane_rings, which leads to a lane without the host's stack; `length` bytes of
 * payload follow, and whatever was there before. */
struct pst_frame_kept {
  __u16 length;
  __u16 sum; /* the payload's Internet sum by the checksum that it came with, never 0; 0: there was none */
  __be32 id;
};
PST_ABI_SIZE(struct pst_frame_kept, 8);

enum pst_frame_flag {
  PST_FRAME_TO_BACKEND = 1 << 0, /* else to the client */
  PST_FRAME_PROXY = 1 << 1,      /* put PROXY v2 in front: 28 bytes for IPv4 clients, 52 for IPv6 */
};

struct pst_frame_out {
  __be32 id;
  __be16 length; /* bytes of payload; what follows them is padding. May be 0: an empty datagram, or a header
                    alone */
  __u8 flags;    /* enum pst_frame_flag */
  __u8 zero;
};
PST_ABI_SIZE(struct pst_frame_out, 8);

struct pst_frame_written {
  struct pst_frame_out frame;
  __u16 sum; /* the payload's Internet sum */
  __u8 zero[6];
};
PST_ABI_SIZE(struct pst_frame_written, 16);

#endif
