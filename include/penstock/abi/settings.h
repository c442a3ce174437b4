/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * What the controller tells the programs about this node, its ports and its guard. Compiled as C and as C++.
 */
#ifndef PENSTOCK_ABI_SETTINGS_H
#define PENSTOCK_ABI_SETTINGS_H

#include "penstock/abi/session.h"

#define PST_LANES 64U

/* The one element of pst_settings. Rewritten whole when a controller starts. */
struct pst_settings {
  __be32 steering_address; /* of the steering sockets; on the loopback device */
  __be32 virtual_address;  /* the other end of every frame; random per start */
  __be16 virtual_port;     /* random per start */
  __u16 lanes;             /* how many of lane_port are in use */
  __u16 edge_lanes;        /* lanes 0 ... edge_lanes - 1 take datagrams that belong to no session yet */
  __u16 guard_list;        /* 1: pst_guard_list has entries */
  __be32 network;          /* the network of steering, virtual and local source addresses: nobody else's */
  __be32 network_mask;
  __u8 any_v4; /* 1: every IPv4 address of this host serves assigned ports; else pst_addresses tells */
  __u8 any_v6;
  __u8 zero[6];
  __be16 lane_port[PST_LANES]; /* of the lanes' steering sockets */
  __u64 instance;              /* of this node: one that adopts the maps goes on with it */
};
PST_ABI_SIZE(struct pst_settings, 168);

/* Element of pst_ports, at `port` for TCP and at 65536 + `port` for UDP. */
enum pst_port_use {
  PST_PORT_FREE = 0,
  PST_PORT_PUBLIC = 1, /* assigned by the hub; an edge's */
  PST_PORT_SOURCE = 2, /* a source of sessions towards backends; a hub's, UDP */
};
struct pst_port {
  __u16 service; /* index of pst_services; of a source: its lane */
  __u16 use;     /* enum pst_port_use */
};
PST_ABI_SIZE(struct pst_port, 4);
#define PST_PORTS (2U * 65536U)
#define PST_UDP_PORT(port) (65536U + (port))

/* Value of pst_addresses, by struct pst_address: an address of this host. */
enum pst_address_flag {
  PST_ADDRESS_OWN = 1 << 0,  /* the host has it */
  PST_ADDRESS_BIND = 1 << 1, /* assigned ports are served on it */
};

/* Elements of pst_sockets, where sk_lookup finds the socket for what the other programs left to the stack. */
#define PST_SOCKET_TCP4 0U
#define PST_SOCKET_TCP6 1U
#define PST_SOCKET_UDP4(lane) (2U + 2U * (lane))
#define PST_SOCKET_UDP6(lane) (3U + 2U * (lane))
#define PST_SOCKETS (2U + 2U * PST_LANES)

/* A token bucket: one token a datagram. */
struct pst_bucket {
  __u64 filled_at; /* bpf_ktime_get_coarse_ns() */
  __u64 tokens;    /* times 2^20 */
};
PST_ABI_SIZE(struct pst_bucket, 16);

/* How fast a bucket fills and what it holds. */
struct pst_rate {
  __u32 per_second; /* 0: no limit */
  __u32 burst;
};
PST_ABI_SIZE(struct pst_rate, 8);

/* The one element of pst_guard: limits on datagrams to assigned UDP ports. */
struct pst_guard {
  struct pst_rate source;     /* datagrams of one source prefix */
  struct pst_rate service;    /* ... to one service */
  struct pst_rate new_source; /* datagrams that belong to no session, of one source prefix */
  struct pst_rate new_total;  /* ... of all sources */
  __u32 prefix_v4;            /* bits that make a source */
  __u32 prefix_v6;
  struct pst_bucket new_total_bucket; /* the programs' */
};
PST_ABI_SIZE(struct pst_guard, 56);

/* Key of pst_guard_sources, an LRU map of struct pst_bucket. */
struct pst_guard_source {
  struct pst_address prefix;
  __u32 new_sessions; /* 1: the bucket of new_source; 0: of source */
};
PST_ABI_SIZE(struct pst_guard_source, 20);

/* Element of pst_services: the bucket of guard.service. */
struct pst_service {
  struct pst_bucket bucket;
};
PST_ABI_SIZE(struct pst_service, 16);

/* Key of pst_guard_list, a longest-prefix match over v4-mapped addresses: a /24 of IPv4 has length 120. */
struct pst_prefix {
  __u32 length;
  struct pst_address address;
};
PST_ABI_SIZE(struct pst_prefix, 20);

enum pst_guard_action {
  PST_GUARD_ALLOW = 1, /* an exception to a shorter prefix that is blocked; limits still hold */
  PST_GUARD_BLOCK = 2,
};
struct pst_guard_rule {
  __u32 action;
};
PST_ABI_SIZE(struct pst_guard_rule, 4);

/* Programs, as counters tell them apart. */
enum pst_program {
  PST_PROGRAM_EDGE = 0,
  PST_PROGRAM_STEER_OUT = 1,
  PST_PROGRAM_STEER_IN = 2,
  PST_PROGRAM_SK_LOOKUP = 3,
  PST_PROGRAM_EDGE_TC = 4,
  PST_PROGRAM_HUB_TC = 5,
  PST_PROGRAM_LEAVE_TC = 6,
  PST_PROGRAMS = 7,
};

/* Per CPU: element program * PST_R_MAX + reason of pst_counters, and element
 * service * PST_SERVICE_REASONS + (reason - PST_SERVICE_REASON_FIRST) of pst_service_drops. */
struct pst_count {
  __u64 packets;
  __u64 bytes; /* of UDP payload where the packet is understood so far, else of the packet */
};
PST_ABI_SIZE(struct pst_count, 16);
#define PST_SERVICE_REASON_FIRST 40U /* PST_R_NO_SESSION: reasons 40 ... 63 are those of datagrams */
#define PST_SERVICE_REASONS 24U

#endif
