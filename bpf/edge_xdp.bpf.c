/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* On the public interfaces of an edge: guard, port, session; then to the steering socket or straight on. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "lib/guard.h"
#include "lib/session.h"
#include "lib/settings_maps.h"
#include "lib/unread_answer.h"

char LICENSE[] SEC("license") = "GPL";

/* Whether assigned ports are served on that address. */
static __always_inline int is_served(const struct pst_settings* s, const struct pst_address* local) {
  __u32 flags = address_flags(local);
  __u32 any = is_v4(local) ? s->any_v4 : s->any_v6;

  return flags & PST_ADDRESS_OWN && (any || flags & PST_ADDRESS_BIND);
}

static __always_inline int is_bad_source(const struct datagram* d) {
  return d->mapped || !d->path.source_port || is_impossible_source(&d->path.source) ||
         is_same(&d->path.source, &d->path.destination) || address_flags(&d->path.source) & PST_ADDRESS_OWN;
}

/* A datagram of a session. The guard stands before what clients send, not before backends. */
static __always_inline enum pst_reason known(struct xdp_md* ctx, const struct datagram* d,
                                             const struct pst_settings* s, struct pst_session* session,
                                             const struct pst_path_owner* owner, struct outcome* o) {
  struct pst_guard* guard = guard_limits();
  enum pst_reason why;

  o->service = session->service;
  if (d->malformed) return PST_R_MALFORMED;
  if (!owner->from_backend && guard) {
    why = guard_datagram(s, guard, &d->path.source, session->service);
    if (why != PST_UNDECIDED) return why;
  }
  return serve(ctx, d, s, session, owner, &o->device);
}

/* A datagram of no session: one for an assigned port opens a session if the guard lets it through. */
static __always_inline enum pst_reason unknown(const struct datagram* d, const struct pst_settings* s,
                                               struct outcome* o) {
  const struct pst_port* port = assigned_port(PST_UDP_PORT(bpf_ntohs(d->path.destination_port)));
  struct pst_guard* guard = guard_limits();
  enum pst_reason why;

  if (!port || !guard || !is_served(s, &d->path.destination)) return PST_R_NOT_OURS;
  o->service = port->service;
  if (d->malformed) return PST_R_MALFORMED;
  if (is_bad_source(d)) return PST_R_BAD_SOURCE;
  why = guard_datagram(s, guard, &d->path.source, port->service);
  if (why == PST_UNDECIDED) why = guard_new(guard, &d->path.source);
  return why == PST_UNDECIDED ? PST_R_NEW_PATH : why;
}

static __always_inline enum pst_reason decide(struct xdp_md* ctx, struct datagram* d, struct outcome* o) {
  const struct pst_settings* s = settings();
  enum pst_reason why = parse(ctx, d);
  struct pst_path_owner owner = {};
  struct pst_session* session;

  o->bytes = known_bytes(ctx, d);
  if (!s) return PST_UNDECIDED;
  if (names_network(d, s)) return PST_R_FORGED; /* it wants to be taken for ours */
  if (why != PST_UNDECIDED) return unread(ctx, d, o, why);
  session = session_of(&d->path, &owner);
  return session ? known(ctx, d, s, session, &owner, o) : unknown(d, s, o);
}

SEC("xdp")
int edge_xdp(struct xdp_md* ctx) {
  struct outcome o = {.program = PST_PROGRAM_EDGE, .service = NO_SERVICE};
  struct datagram d = {};

  return finish(&o, decide(ctx, &d, &o));
}
