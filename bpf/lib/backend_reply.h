/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* What backends send, on interfaces where no client is served. */
#ifndef PENSTOCK_BPF_BACKEND_REPLY_H
#define PENSTOCK_BPF_BACKEND_REPLY_H

#include "lib/session.h"

/* Serves a parsed datagram if a session's backend sent it; else the reason is `otherwise`. */
static __always_inline enum pst_reason serve_reply(struct xdp_md* ctx, const struct datagram* d,
                                                   const struct pst_settings* s, struct outcome* o,
                                                   enum pst_reason otherwise) {
  struct pst_path_owner owner = {};
  struct pst_session* session = session_of(&d->path, &owner);

  if (!session || !owner.from_backend) return otherwise;
  o->service = session->service;
  if (d->malformed) return PST_R_MALFORMED;
  return serve(ctx, d, s, session, &owner, o);
}

#endif
