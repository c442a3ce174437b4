/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* On the far end of the steering device: outward frames of the controller become datagrams of their sessions.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "lib/session.h"
#include "lib/settings_maps.h"
#include "penstock/abi/frame.h"

char LICENSE[] SEC("license") = "GPL";

static __always_inline int is_lane_port(const struct pst_settings* s, __be16 port) {
  for (__u32 i = 0; i < PST_LANES; i++) {
    if (i >= s->lanes) return 0;
    if (s->lane_port[i] == port) return port != 0;
  }
  return 0;
}

/* A lane's socket sent it, and to nothing but the virtual end. */
static __always_inline int is_frame(const struct datagram* d, const struct pst_settings* s) {
  if (d->version != 4 || !s->steering_address || d->path.source.word[3] != s->steering_address) return 0;
  if (d->path.destination.word[3] != s->virtual_address) return 0;
  return d->path.destination_port == s->virtual_port && is_lane_port(s, d->path.source_port);
}

/* The head of a frame, whose payload and padding follow. */
static __always_inline enum pst_reason read_frame(const struct xdp_md* ctx, const struct datagram* d,
                                                  struct pst_frame_out* frame) {
  struct cursor c = cursor_of(ctx);
  const struct pst_frame_out* head;

  if (d->malformed || d->payload < sizeof(*head) || d->tags) return PST_R_MALFORMED;
  if (!cursor_take(&c, ETH_HLEN + sizeof(struct iphdr) + sizeof(struct udphdr))) return PST_UNDECIDED;
  head = cursor_take(&c, sizeof(*head));
  if (!head) return PST_UNDECIDED;
  *frame = *head;
  if (bpf_ntohs(frame->length) > d->payload - sizeof(*head)) return PST_R_MALFORMED;
  return PST_UNDECIDED;
}

static __always_inline enum pst_reason find_session(__u32 id, const struct pst_session** session) {
  const struct pst_session* found = id >> 30 ? (void*)0 : session_slot(id);

  if (!found || !found->id) return PST_R_NO_SESSION;
  *session = found;
  return found->id == id ? PST_UNDECIDED : PST_R_STALE_SESSION;
}

static __always_inline struct envelope outward_envelope(const struct pst_session* s,
                                                        const struct pst_frame_out* frame) {
  struct envelope e = {};

  address_to(&e, s, frame->flags & PST_FRAME_TO_BACKEND);
  e.fragment = IP_DONT_FRAGMENT;
  e.ttl = OUR_TTL;
  e.skipped = sizeof(*frame);
  if (frame->flags & PST_FRAME_PROXY) plan_proxy(&e, s);
  return e;
}

/* What a checksum that was made over the frame's head must lose; padding is zero and has no part in it. */
static __always_inline __u64 sum_without_head(const struct pst_frame_out* frame) {
  return sum_without(sum_words((const __be32*)frame, sizeof(*frame) / 4));
}

static __always_inline enum pst_reason send_out(struct xdp_md* ctx, const struct datagram* d,
                                                const struct pst_session* s,
                                                const struct pst_frame_out* frame, __u32* device) {
  __u32 length = bpf_ntohs(frame->length);
  const struct pst_next_hop* hop =
      next_hop(frame->flags & PST_FRAME_TO_BACKEND ? s->backend_hop : s->client_hop);
  struct envelope e = outward_envelope(s, frame);
  enum pst_reason why;
  struct cursor c;

  if (!hop || hop->way == PST_HOP_BARE) return PST_R_NO_NEXT_HOP;
  if (envelope_ip_length(&e, length) > hop->mtu) return PST_R_TOO_LARGE;
  why = plan_checksum(ctx, d, &e, d->header + sizeof(*frame), length);
  if (why != PST_UNDECIDED) return PST_R_TOO_LARGE;
  if (d->checksum) e.sum += sum_without_head(frame);
  leave_by(&e, hop);
  if (!hop->device) e.vlan = 0;
  if (!make_room(ctx, d, &e, length)) return PST_R_TOO_LARGE;
  c = cursor_of(ctx);
  if (!write_headers(&c, &e, length)) return PST_UNDECIDED;
  if (frame->flags & PST_FRAME_PROXY && !write_proxy(&c, s)) return PST_UNDECIDED;
  *device = hop->device;
  return hop->device ? PST_R_STEERED : PST_R_DELIVERED;
}

static __always_inline enum pst_reason decide(struct xdp_md* ctx, struct datagram* d, struct outcome* o) {
  const struct pst_settings* s = settings();
  const struct pst_session* session = (void*)0;
  struct pst_frame_out frame = {};
  enum pst_reason why = parse(ctx, d);

  o->bytes = known_bytes(ctx, d);
  if (!s) return PST_UNDECIDED;
  if (why != PST_UNDECIDED || !is_frame(d, s)) {
    if (names_network(d, s)) return PST_R_FORGED;
    return why == PST_UNDECIDED ? PST_R_NOT_OURS : why;
  }
  why = read_frame(ctx, d, &frame);
  if (why != PST_UNDECIDED) return why;
  o->bytes = bpf_ntohs(frame.length);
  why = find_session(bpf_ntohl(frame.id), &session);
  if (session) o->service = session->service;
  if (why != PST_UNDECIDED) return why;
  return session ? send_out(ctx, d, session, &frame, &o->device) : PST_UNDECIDED;
}

SEC("xdp.frags")
int steer_out_xdp(struct xdp_md* ctx) {
  struct outcome o = {.program = PST_PROGRAM_STEER_OUT, .service = NO_SERVICE};
  struct datagram d = {};

  return finish(&o, decide(ctx, &d, &o));
}
