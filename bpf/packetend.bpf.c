/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Where the datagrams of a measurement end or turn round: counts those of its ports, and passes all else. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "lib/cursor.h"

char LICENSE[] SEC("license") = "GPL";

/* What to do with a datagram that was counted. */
#define DROP 0
#define REFLECT 1 /* back to its sender, both ends turned round */
#define REDIRECT 2

/* Set before the load. */
const volatile __u32 act = DROP;
const volatile __u32 first_port = 1; /* host order; its own end, or the other's, has one of ... */
const volatile __u32 port_count = 1; /* ... so many in a row */
const volatile __u32 out_interface = 0;
const volatile __u8 next_mac[ETH_ALEN] = {}; /* of a redirected one */
const volatile __u8 own_mac[ETH_ALEN] = {};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u64);
} counted SEC(".maps");

static __always_inline int is_measured(__be16 port) {
  return bpf_ntohs(port) - first_port < port_count;
}

static __always_inline void copy_mac(__u8* to, const volatile __u8* from) {
#pragma unroll
  for (int i = 0; i < ETH_ALEN; i++) to[i] = from[i];
}

/* Sums stay right: they have the same words in another order. */
static __always_inline void turn_round(struct ethhdr* eth, struct iphdr* ip, struct udphdr* udp) {
  __u8 mac[ETH_ALEN];
  __be32 address = ip->saddr;
  __be16 port = udp->source;

  __builtin_memcpy(mac, eth->h_source, ETH_ALEN);
  __builtin_memcpy(eth->h_source, eth->h_dest, ETH_ALEN);
  __builtin_memcpy(eth->h_dest, mac, ETH_ALEN);
  ip->saddr = ip->daddr;
  ip->daddr = address;
  udp->source = udp->dest;
  udp->dest = port;
}

SEC("xdp")
int packetend(struct xdp_md* ctx) {
  struct cursor c = cursor_of(ctx);
  struct ethhdr* eth = cursor_take(&c, sizeof(*eth));
  struct iphdr* ip = cursor_take(&c, sizeof(*ip));
  struct udphdr* udp = cursor_take(&c, sizeof(*udp));
  __u32 only = 0;
  __u64* count;

  if (!eth || !ip || !udp || eth->h_proto != bpf_htons(ETH_P_IP)) return XDP_PASS;
  if (ip->version != 4 || ip->ihl != 5 || ip->protocol != IPPROTO_UDP) return XDP_PASS;
  if (!is_measured(udp->source) && !is_measured(udp->dest)) return XDP_PASS;
  count = bpf_map_lookup_elem(&counted, &only);
  if (!count) return XDP_ABORTED;
  *count += 1;
  if (act == DROP) return XDP_DROP;
  if (act == REFLECT) {
    turn_round(eth, ip, udp);
    return (int)bpf_redirect(ctx->ingress_ifindex, 0); /* XDP_TX wants a program at the link's other end */
  }
  copy_mac(eth->h_dest, next_mac);
  copy_mac(eth->h_source, own_mac);
  return (int)bpf_redirect(out_interface, 0);
}
