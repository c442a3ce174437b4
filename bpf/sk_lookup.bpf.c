/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* On the network namespace: every assigned port, TCP and UDP, leads to the controller's few sockets. */
#include <linux/bpf.h>
#include <linux/in.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "lib/address.h"
#include "lib/count_maps.h"
#include "lib/session_maps.h"
#include "lib/settings_maps.h"
#include "lib/socket_maps.h"

#define FAMILY_V4 2
#define FAMILY_V6 10
#define NO_SOCKET 0xffffffffU /* leave the choice to the system */

char LICENSE[] SEC("license") = "GPL";

/* The ends of what looks for a socket, as a path towards us. */
static __always_inline struct pst_path path_of(const struct bpf_sk_lookup* ctx) {
  struct pst_path path = {};

  if (ctx->family == FAMILY_V4) {
    path.source = v4_mapped(ctx->remote_ip4);
    path.destination = v4_mapped(ctx->local_ip4);
  } else {
    for (int i = 0; i < 4; i++) {
      path.source.word[i] = ctx->remote_ip6[i];
      path.destination.word[i] = ctx->local_ip6[i];
    }
  }
  path.source_port = ctx->remote_port;
  path.destination_port = bpf_htons(ctx->local_port);
  return path;
}

static __always_inline int is_served(const struct pst_settings* s, const struct pst_path* path, int v4) {
  if (v4 ? s->any_v4 : s->any_v6) return 1;
  return address_flags(&path->destination) & PST_ADDRESS_BIND ? 1 : 0;
}

/* Datagrams of one client stay on one lane while it has no session. */
static __always_inline __u32 lane_of(const struct pst_settings* s, const struct pst_path* path) {
  __u32 hash = path->source_port * 0x9e3779b1U;

  for (int i = 0; i < 4; i++) hash = (hash ^ path->source.word[i]) * 0x85ebca6bU ^ hash >> 15;
  hash ^= hash >> 16;
  return s->edge_lanes ? hash % s->edge_lanes : 0;
}

/* What else comes to a port that sessions leave from is told to the lane that uses it. */
static __always_inline int is_source(const struct pst_path* path, __u32* lane) {
  __u32 index = PST_UDP_PORT(bpf_ntohs(path->destination_port));
  const struct pst_port* port = bpf_map_lookup_elem(&pst_ports, &index);

  if (!port || port->use != PST_PORT_SOURCE) return 0;
  *lane = port->service;
  return 1;
}

static __always_inline __u32 udp_socket(const struct pst_settings* s, const struct pst_path* path, int v4) {
  struct pst_path_owner owner = {};
  const struct pst_session* session = session_of(path, &owner);
  __u32 lane;

  if (session)
    lane = session->lane;
  else if (assigned_port(PST_UDP_PORT(bpf_ntohs(path->destination_port))) && is_served(s, path, v4))
    lane = lane_of(s, path);
  else if (!is_source(path, &lane))
    return NO_SOCKET;
  return v4 ? PST_SOCKET_UDP4(lane) : PST_SOCKET_UDP6(lane);
}

static __always_inline __u32 tcp_socket(const struct pst_settings* s, const struct pst_path* path, int v4) {
  if (!assigned_port(bpf_ntohs(path->destination_port)) || !is_served(s, path, v4)) return NO_SOCKET;
  return v4 ? PST_SOCKET_TCP4 : PST_SOCKET_TCP6;
}

/* Without a socket there no controller runs: refused at once. */
static __always_inline enum pst_reason assign(struct bpf_sk_lookup* ctx, __u32 index) {
  struct bpf_sock* socket = bpf_map_lookup_elem(&pst_sockets, &index);
  long failed;

  if (!socket) return PST_R_SHUTDOWN;
  failed = bpf_sk_assign(ctx, socket, 0);
  bpf_sk_release(socket);
  return failed ? PST_R_SOCKET_ERROR : PST_R_STEERED;
}

SEC("sk_lookup")
int pst_sk_lookup(struct bpf_sk_lookup* ctx) {
  const struct pst_settings* s = settings();
  struct pst_path path = path_of(ctx);
  int v4 = ctx->family == FAMILY_V4;
  enum pst_reason why;
  __u32 index;

  if (!s) return SK_PASS;
  index = ctx->protocol == IPPROTO_TCP ? tcp_socket(s, &path, v4) : udp_socket(s, &path, v4);
  if (index == NO_SOCKET) return SK_PASS; /* not counted: it is every connection of the host */
  why = assign(ctx, index);
  count(PST_PROGRAM_SK_LOOKUP, why, 0);
  return why == PST_R_STEERED ? SK_PASS : SK_DROP;
}
