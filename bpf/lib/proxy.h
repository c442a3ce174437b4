/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* PROXY protocol version 2 for datagrams: command PROXY, no TLV (haproxy's proxy-protocol.txt, 2.2). */
#ifndef PENSTOCK_BPF_PROXY_H
#define PENSTOCK_BPF_PROXY_H

#include "lib/checksum.h"
#include "lib/cursor.h"
#include "lib/rewrite.h"

struct proxy_start {
  __be32 signature[3];
  __u8 command; /* version 2, PROXY */
  __u8 family;
  __be16 length; /* of what follows */
};

struct proxy_v4 {
  __be32 client;
  __be32 local;
  __be16 client_port;
  __be16 local_port;
};

struct proxy_v6 {
  struct pst_address client;
  struct pst_address local;
  __be16 client_port;
  __be16 local_port;
};

#define PROXY_V4_BYTES 28U
#define PROXY_V6_BYTES 52U
_Static_assert(sizeof(struct proxy_start) + sizeof(struct proxy_v4) == PROXY_V4_BYTES, "as published");
_Static_assert(sizeof(struct proxy_start) + sizeof(struct proxy_v6) == PROXY_V6_BYTES, "as published");

static __always_inline struct proxy_start proxy_start_of(int v4) {
  struct proxy_start start = {
      {bpf_htonl(0x0d0a0d0a), bpf_htonl(0x000d0a51), bpf_htonl(0x5549540a)},
      0x21,
      v4 ? 0x12 : 0x22,
      v4 ? bpf_htons(sizeof(struct proxy_v4)) : bpf_htons(sizeof(struct proxy_v6)),
  };

  return start;
}

/* Takes the header into the envelope's prefix and sum. */
static __always_inline void plan_proxy(struct envelope* e, const struct pst_session* s) {
  struct proxy_start start = proxy_start_of(is_v4(&s->client));

  e->prefix += is_v4(&s->client) ? PROXY_V4_BYTES : PROXY_V6_BYTES;
  e->sum += sum_words((const __be32*)&start, sizeof(start) / 4) + sum_address(&s->client) +
            sum_address(&s->local) + s->client_port + s->local_port;
}

static __always_inline int write_proxy_v4(struct cursor* c, const struct pst_session* s) {
  struct proxy_v4* ends = cursor_take(c, sizeof(*ends));

  if (!ends) return 0;
  ends->client = s->client.word[3];
  ends->local = s->local.word[3];
  ends->client_port = s->client_port;
  ends->local_port = s->local_port;
  return 1;
}

static __always_inline int write_proxy_v6(struct cursor* c, const struct pst_session* s) {
  struct proxy_v6* ends = cursor_take(c, sizeof(*ends));

  if (!ends) return 0;
  ends->client = s->client;
  ends->local = s->local;
  ends->client_port = s->client_port;
  ends->local_port = s->local_port;
  return 1;
}

static __always_inline int write_proxy(struct cursor* c, const struct pst_session* s) {
  struct proxy_start* start = cursor_take(c, sizeof(*start));

  if (!start) return 0;
  *start = proxy_start_of(is_v4(&s->client));
  return is_v4(&s->client) ? write_proxy_v4(c, s) : write_proxy_v6(c, s);
}

#endif
