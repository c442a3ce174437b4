/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * UDP sessions as kernel and controller share them. The controller alone makes and ends sessions; the
 * programs look them up, count, and rewrite packets by them. Addresses are 16 bytes, IPv4 v4-mapped
 * (::ffff:a.b.c.d), so that one map serves both families; the two addresses of a pair are always of one
 * family. Compiled as C and as C++. Padding is zero: the kernel hashes every byte of a key.
 */
#ifndef PENSTOCK_ABI_SESSION_H
#define PENSTOCK_ABI_SESSION_H

#include "penstock/abi/size.h"

struct pst_address {
  __be32 word[4];
};
PST_ABI_SIZE(struct pst_address, 16);

/* A datagram's ends as they are on the wire. Key of pst_paths. */
struct pst_path {
  struct pst_address source;
  struct pst_address destination;
  __be16 source_port;
  __be16 destination_port;
};
PST_ABI_SIZE(struct pst_path, 36);

/* Value of pst_paths: whose datagrams they are. */
struct pst_path_owner {
  __u32 id;           /* local session id: 2 zero bits, 10 of generation, 20 of slot */
  __u32 from_backend; /* 1: the sender is the backend; 0: the client */
};
PST_ABI_SIZE(struct pst_path_owner, 8);

enum pst_session_flag {
  PST_SESSION_DIRECT =
      1 << 0, /* the programs forward it themselves; else it goes through the steering socket */
  PST_SESSION_PROXY = 1 << 1,       /* direct: PROXY v2 stands in front of every datagram to the backend */
  PST_SESSION_TRANSPARENT = 1 << 2, /* the source is the client: answers are never left to the stack */
};

/* Where a session of a hub came from, told to the controller after it. The programs do not read it. */
struct pst_session_origin {
  __u64 edge;     /* hash of the edge's id */
  __u64 instance; /* of the edge; 0: nothing is known */
  __u32 wire_id;
  __u32 carrier; /* index among the tunnel's carriers */
};
PST_ABI_SIZE(struct pst_session_origin, 24);

/*
 * One session: element `slot` of pst_sessions, which the controller maps into its memory. Two cache lines.
 * The controller writes all but the times and counts, `id` last (with release), and 0 into `id` before
 * anything is changed; those are the programs' (one CPU at a time in practice: a lost count under a
 * race is borne). A path or a frame whose id is not the session's id is stale.
 *
 * A pair that does not exist on this node is zero: at the edge of a tunnel there is no backend side.
 */
struct pst_session {
  __u32 id;          /* 0: free */
  __u32 flags;       /* enum pst_session_flag */
  __u16 lane;        /* the steering socket that its datagrams go to: index of pst_settings.lane_port */
  __u16 service;     /* index of pst_services */
  __u16 client_hop;  /* index of pst_next_hops: the way to the client; 0: none known */
  __u16 backend_hop; /* ... to the backend */
  struct pst_address client;  /* the client, */
  struct pst_address local;   /* the public address that it sends to: also what a PROXY header says */
  struct pst_address source;  /* what the backend sees as the sender, */
  struct pst_address backend; /* the backend */
  __be16 client_port;
  __be16 local_port;
  __be16 source_port;
  __be16 backend_port;
  __u32 client_seen;  /* when the client last sent: CLOCK_MONOTONIC in milliseconds, modulo 2^32 */
  __u32 backend_seen; /* when the backend last did; 0: never */
  union {
    struct { /* direct; the controller counts what it sees itself */
      __u64 to_backend_datagrams;
      __u64 to_backend_bytes; /* UDP payload as it came, without a header of ours */
      __u64 to_client_datagrams;
      __u64 to_client_bytes;
    };
    struct pst_session_origin origin; /* at a hub */
  };
};
PST_ABI_SIZE(struct pst_session, 128);

enum pst_hop_way {
  PST_HOP_FRAME = 0, /* XDP programs redirect to the device */
  PST_HOP_BY_TC = 1, /* they may not: one on TC does, where they leave the packet to it */
  PST_HOP_BARE = 2,  /* the same, and its packets begin with the IP header: it has no MAC addresses */
};

/* Element of pst_next_hops: where a rewritten packet leaves. Element 0 is never valid. The controller writes
 * 0 into `valid` before it changes one, and 1 last. */
struct pst_next_hop {
  __u16 valid;
  __u16 way;    /* enum pst_hop_way */
  __u32 device; /* ifindex; 0: this host itself, by the stack behind the steering device */
  __u8 to[6];   /* MAC addresses */
  __u8 from[6];
  __be16 vlan; /* tag to push (TCI); 0: none */
  __u16 mtu;   /* longest IP packet */
};
PST_ABI_SIZE(struct pst_next_hop, 24);

#define PST_SLOTS (1U << 20)
#define PST_NEXT_HOPS 4096U
#define PST_SERVICES 1024U

#endif
