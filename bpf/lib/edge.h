/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* What an edge asks of a datagram before it serves it, on whichever hook it meets it: guard, port, source. */
#ifndef PENSTOCK_BPF_EDGE_H
#define PENSTOCK_BPF_EDGE_H

#include "lib/guard.h"
#include "lib/parse.h"
#include "lib/session_maps.h"
#include "lib/settings_maps.h"

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

/* Whether a datagram of a session goes on, or the reason to drop it. The guard stands before what clients
 * send, not before backends. `count` datagrams come in one packet. */
static __always_inline enum pst_reason edge_known(const struct datagram* d, const struct pst_settings* s,
                                                  const struct pst_session* session,
                                                  const struct pst_path_owner* owner, __u32 count,
                                                  struct outcome* o) {
  struct pst_guard* guard = guard_limits();

  o->service = session->service;
  if (d->malformed) return PST_R_MALFORMED;
  if (owner->from_backend || !guard) return PST_UNDECIDED;
  return guard_datagrams(s, guard, &d->path.source, session->service, count);
}

/* A datagram of no session: one for an assigned port opens a session if the guard lets it through. */
static __always_inline enum pst_reason edge_unknown(const struct datagram* d, const struct pst_settings* s,
                                                    __u32 count, struct outcome* o) {
  const struct pst_port* port = assigned_port(PST_UDP_PORT(bpf_ntohs(d->path.destination_port)));
  struct pst_guard* guard = guard_limits();
  enum pst_reason why;

  if (!port || !guard || !is_served(s, &d->path.destination)) return PST_R_NOT_OURS;
  o->service = port->service;
  if (d->malformed) return PST_R_MALFORMED;
  if (is_bad_source(d)) return PST_R_BAD_SOURCE;
  why = guard_datagrams(s, guard, &d->path.source, port->service, count);
  if (why == PST_UNDECIDED) why = guard_new(guard, &d->path.source, count);
  return why == PST_UNDECIDED ? PST_R_NEW_PATH : why;
}

#endif
