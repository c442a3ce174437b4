/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Outward frames of the controller become datagrams of their sessions: on the far end of the steering device,
 * and on the lanes' tap devices. */
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

/* `head` is the bytes in front of the frame's payload. */
static __always_inline struct envelope outward_envelope(const struct pst_session* s,
                                                        const struct pst_frame_out* frame, __u32 head) {
  struct envelope e = {};

  address_to(&e, s, frame->flags & PST_FRAME_TO_BACKEND);
  e.fragment = IP_DONT_FRAGMENT;
  e.ttl = OUR_TTL;
  e.skipped = head;
  if (frame->flags & PST_FRAME_PROXY) plan_proxy(&e, s);
  return e;
}

/* What a checksum that was made over the frame's head must lose; padding is zero and has no part in it. */
static __always_inline __u64 sum_without_head(const struct pst_frame_out* frame) {
  return sum_without(sum_words((const __be32*)frame, sizeof(*frame) / 4));
}

/* Sends on what the envelope has the sum of. */
static __always_inline enum pst_reason send_out(struct xdp_md* ctx, const struct datagram* d,
                                                const struct pst_session* s,
                                                const struct pst_frame_out* frame, struct envelope* e,
                                                const struct pst_next_hop* hop) {
  __u32 length = bpf_ntohs(frame->length);
  struct cursor c;

  leave_by(e, hop);
  if (!hop->device) e->vlan = 0;
  if (!make_room(ctx, d, e, length)) return PST_R_TOO_LARGE;
  c = cursor_of(ctx);
  if (!write_headers(&c, e, length)) return PST_UNDECIDED;
  if (frame->flags & PST_FRAME_PROXY && !write_proxy(&c, s)) return PST_UNDECIDED;
  return hop->device ? PST_R_STEERED : PST_R_DELIVERED;
}

static __always_inline const struct pst_next_hop* hop_of(const struct pst_session* s,
                                                         const struct pst_frame_out* frame) {
  const struct pst_next_hop* hop =
      next_hop(frame->flags & PST_FRAME_TO_BACKEND ? s->backend_hop : s->client_hop);

  return !hop || hop->way == PST_HOP_BARE ? (void*)0 : hop;
}

static __always_inline int is_too_long(const struct envelope* e, const struct pst_frame_out* frame,
                                       const struct pst_next_hop* hop) {
  return envelope_ip_length(e, bpf_ntohs(frame->length)) > hop->mtu;
}

static __always_inline enum pst_reason send_frame(struct xdp_md* ctx, const struct datagram* d,
                                                  const struct pst_session* s,
                                                  const struct pst_frame_out* frame, struct outcome* o) {
  const struct pst_next_hop* hop = hop_of(s, frame);
  struct envelope e = outward_envelope(s, frame, sizeof(*frame));

  if (!hop) return PST_R_NO_NEXT_HOP;
  if (is_too_long(&e, frame, hop)) return PST_R_TOO_LARGE;
  if (plan_checksum(ctx, d, &e, d->header + sizeof(*frame), bpf_ntohs(frame->length)) != PST_UNDECIDED)
    return PST_R_TOO_LARGE;
  if (d->checksum) e.sum += sum_without_head(frame);
  o->device = hop->device;
  return send_out(ctx, d, s, frame, &e, hop);
}

static __always_inline enum pst_reason find_addressee(const struct pst_frame_out* frame, struct outcome* o,
                                                      const struct pst_session** session) {
  enum pst_reason why = find_session(bpf_ntohl(frame->id), session);

  o->bytes = bpf_ntohs(frame->length);
  if (*session) o->service = (*session)->service;
  return why;
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
  why = find_addressee(&frame, o, &session);
  if (why != PST_UNDECIDED) return why;
  return session ? send_frame(ctx, d, session, &frame, o) : PST_UNDECIDED;
}

SEC("xdp.frags")
int steer_out_xdp(struct xdp_md* ctx) {
  struct outcome o = {.program = PST_PROGRAM_STEER_OUT, .service = NO_SERVICE};
  struct datagram d = {};

  return finish(&o, decide(ctx, &d, &o));
}

/* Frames on a tap device, to which nobody but the controller writes: they are not looked at for forgeries. */
static __always_inline enum pst_reason read_written(const struct xdp_md* ctx,
                                                    struct pst_frame_written* written) {
  struct cursor c = cursor_of(ctx);
  const struct pst_frame_written* head = cursor_take(&c, sizeof(*head));

  if (!head) return PST_R_MALFORMED;
  *written = *head;
  return sizeof(*head) + bpf_ntohs(written->frame.length) == packet_length(ctx) ? PST_UNDECIDED
                                                                                : PST_R_MALFORMED;
}

static __always_inline enum pst_reason send_written(struct xdp_md* ctx, const struct pst_session* s,
                                                    const struct pst_frame_written* written,
                                                    struct outcome* o) {
  const struct pst_next_hop* hop = hop_of(s, &written->frame);
  struct envelope e = outward_envelope(s, &written->frame, sizeof(*written));
  const struct datagram whole = {}; /* the packet, which has no headers */

  if (!hop || !hop->device) return PST_R_NO_NEXT_HOP;
  if (is_too_long(&e, &written->frame, hop)) return PST_R_TOO_LARGE;
  e.sum += written->sum;
  o->device = hop->device;
  return send_out(ctx, &whole, s, &written->frame, &e, hop);
}

static __always_inline enum pst_reason decide_written(struct xdp_md* ctx, struct outcome* o) {
  const struct pst_session* session = (void*)0;
  struct pst_frame_written written = {};
  enum pst_reason why = read_written(ctx, &written);

  o->bytes = packet_length(ctx);
  if (why != PST_UNDECIDED) return why;
  why = find_addressee(&written.frame, o, &session);
  if (why != PST_UNDECIDED) return why;
  return session ? send_written(ctx, session, &written, o) : PST_UNDECIDED;
}

SEC("xdp.frags")
int lane_out_xdp(struct xdp_md* ctx) {
  struct outcome o = {.program = PST_PROGRAM_STEER_OUT, .service = NO_SERVICE};

  return finish(&o, decide_written(ctx, &o));
}
