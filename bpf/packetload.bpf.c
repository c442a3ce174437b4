/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Load of tools/packetload: makes each frame of a test run a datagram of the next session, and sends it off.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "lib/cursor.h"

char LICENSE[] SEC("license") = "GPL";

#define MOST_SOURCES 64U
#define ALL 0xffffffffU
#define TTL 64
#define SECOND 1000000000ULL
#define MOST_LOOKS 64 /* at the clock: one or two microseconds */
#define DO_NOT_FRAGMENT 0x4000

/* What to send; set before the load. */
const volatile __u32 out_interface = 0;
const volatile __u8 destination_mac[ETH_ALEN] = {};
const volatile __u8 source_mac[ETH_ALEN] = {};
const volatile __be32 destination = 0;
const volatile __u32 destination_port = 0; /* host order */
const volatile __u32 port_count = 1;       /* of the destination, in a row; at least 1 */
const volatile __be32 sources[MOST_SOURCES] = {};
const volatile __u32 source_count = 1; /* 1 ... MOST_SOURCES */
const volatile __be32 random_source = 0;
const volatile __be32 random_bits = 0;  /* of it, other ones for every stranger; its port too */
const volatile __u32 strangers = 0;     /* after each datagram of a session; ALL: there are no sessions */
const volatile __u32 first_port = 1024; /* host order */
const volatile __u32 session_count = 1; /* at least 1 */
const volatile __u32 least_size = 60;   /* bytes of a datagram; the frame that comes in holds the most */
const volatile __u32 size_count = 1;    /* so many sizes in a row, from the least on; at least 1 */
const volatile __u64 rate = 0;          /* datagrams a second; 0: as fast as it goes */
const volatile __u64 most = 0;          /* datagrams in total; 0: no end */

/* How far it is. Nothing else writes them: one test run goes at a time. */
__u64 made = 0;  /* datagrams */
__u64 begin = 0; /* bpf_ktime_get_ns() of the first */
__u64 last = 0;  /* ... of the last that was sent at a rate */
__u64 end = 0;   /* set before a run; 0: none */

struct headers {
  struct ethhdr* eth;
  struct iphdr* ip;
  struct udphdr* udp;
};

/* The ends of a datagram that this program chooses. */
struct ends {
  __be32 address;
  __be16 port;
  __be16 destination_port;
};

static __always_inline struct ends stranger(__u64 number) {
  struct ends e;

  e.address = (random_source & ~random_bits) | (bpf_get_prandom_u32() & random_bits);
  e.port = bpf_htons(1024 + bpf_get_prandom_u32() % 64512);
  e.destination_port = bpf_htons((__u16)(destination_port + number % port_count));
  return e;
}

/* Sessions that differ by the destination's port alone stand side by side. */
static __always_inline struct ends of_session(__u32 session) {
  __u32 pair = session / port_count;
  struct ends e;

  e.address = sources[pair % source_count & (MOST_SOURCES - 1)];
  e.port = bpf_htons((__u16)(first_port + pair / source_count));
  e.destination_port = bpf_htons((__u16)(destination_port + session % port_count));
  return e;
}

static __always_inline struct ends next_ends(__u64 number) {
  if (strangers == ALL || number % (strangers + 1)) return stranger(number);
  return of_session(number / (strangers + 1) % session_count);
}

/* Of 32-bit words in any order. */
static __always_inline __u16 checksum_of(__u64 sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return ~((sum & 0xffff) + (sum >> 16));
}

static __always_inline __sum16 ip_checksum(const struct iphdr* ip) {
  __u64 words = (__u64)bpf_htons(0x4500) + bpf_htons(DO_NOT_FRAGMENT) + bpf_htons(TTL << 8 | IPPROTO_UDP);

  return checksum_of(words + ip->tot_len + ip->saddr + ip->daddr);
}

/* The payload is zeros, which add nothing. */
static __always_inline __sum16 udp_checksum(const struct iphdr* ip, const struct udphdr* udp) {
  __u64 pseudo = (__u64)ip->saddr + ip->daddr + bpf_htons(IPPROTO_UDP) + udp->len;
  __u16 checksum = checksum_of(pseudo + udp->source + udp->dest + udp->len);

  return checksum ? checksum : 0xffff; /* 0: there is none */
}

static __always_inline void copy_mac(__u8* to, const volatile __u8* from) {
#pragma unroll
  for (int i = 0; i < ETH_ALEN; i++) to[i] = from[i];
}

/* All of it each time: the receiver of an earlier frame may have rewritten the page that this one lies in. */
static __always_inline void write_headers(const struct headers* h, const struct ends* ends, __u16 size) {
  copy_mac(h->eth->h_dest, destination_mac);
  copy_mac(h->eth->h_source, source_mac);
  h->eth->h_proto = bpf_htons(ETH_P_IP);
  *h->ip = (struct iphdr){
      .ihl = 5, .version = 4, .frag_off = bpf_htons(DO_NOT_FRAGMENT), .ttl = TTL, .protocol = IPPROTO_UDP};
  h->ip->tot_len = bpf_htons(sizeof *h->ip + sizeof *h->udp + size);
  h->ip->saddr = ends->address;
  h->ip->daddr = destination;
  h->ip->check = ip_checksum(h->ip);
  h->udp->source = ends->port;
  h->udp->dest = ends->destination_port;
  h->udp->len = bpf_htons(sizeof *h->udp + size);
  h->udp->check = udp_checksum(h->ip, h->udp);
}

/* When a datagram is due, in nanoseconds. What the kernel's other work held up is made up for slowly, since a
 * burst would be lost in a queue. */
static __always_inline __u64 due_at(__u64 number) {
  __u64 due = begin + number / rate * SECOND + number % rate * SECOND / rate;
  __u64 least = last + SECOND / rate / 2;

  return due > least ? due : least;
}

/* Waits a little, since frames that are not sent keep the memory busy that receivers give back. Those that
 * come too early still are nobody's: to wait on would stop the CPU's other packets. */
static __always_inline int is_due(__u64 number) {
  __u64 now = bpf_ktime_get_ns(), due;

  if (!begin) begin = now;
  if ((end && now >= end) || (most && number >= most)) return 0;
  if (!rate) return 1;
  due = due_at(number);
  for (int looks = 0; looks < MOST_LOOKS && now < due; looks++) now = bpf_ktime_get_ns();
  if (now < due) return 0;
  last = now;
  return 1;
}

SEC("xdp")
int packetload(struct xdp_md* ctx) {
  __u64 number = made;
  __u32 size = least_size + number % size_count;
  struct ends ends = next_ends(number);
  struct cursor c = cursor_of(ctx);
  struct headers h = {cursor_take(&c, sizeof *h.eth), cursor_take(&c, sizeof *h.ip),
                      cursor_take(&c, sizeof *h.udp)};
  int spare = (int)packet_length(ctx) - (int)(sizeof *h.eth + sizeof *h.ip + sizeof *h.udp + size);

  if (!h.eth || !h.ip || !h.udp || spare < 0) return XDP_ABORTED;
  if (!is_due(number)) return XDP_DROP;
  write_headers(&h, &ends, size);
  if (spare > 0 && bpf_xdp_adjust_tail(ctx, -spare)) return XDP_ABORTED;
  made = number + 1;
  return (int)bpf_redirect(out_interface, 0);
}
