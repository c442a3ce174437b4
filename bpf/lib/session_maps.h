/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Sessions, the paths that lead to them, and the ways out. Only the controller adds and removes. */
#ifndef PENSTOCK_BPF_SESSION_MAPS_H
#define PENSTOCK_BPF_SESSION_MAPS_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "penstock/abi/session.h"

/* The loader sets max_entries of pst_paths and pst_sessions: two paths a session. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 131072);
  __type(key, struct pst_path);
  __type(value, struct pst_path_owner);
  __uint(pinning, LIBBPF_PIN_BY_NAME);
} pst_paths SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 65536);
  __type(key, __u32);
  __type(value, struct pst_session);
  __uint(pinning, LIBBPF_PIN_BY_NAME);
} pst_sessions SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, PST_NEXT_HOPS);
  __type(key, __u32);
  __type(value, struct pst_next_hop);
  __uint(pinning, LIBBPF_PIN_BY_NAME);
} pst_next_hops SEC(".maps");

/* The element of pst_sessions that an id points at, whosesoever it is now; NULL if there is no such slot. */
static __always_inline struct pst_session* session_slot(__u32 id) {
  __u32 slot = id & (PST_SLOTS - 1);

  return bpf_map_lookup_elem(&pst_sessions, &slot);
}

/* The session of a path, and in `owner` which side sends on it; NULL if there is none, or it has ended. */
static __always_inline struct pst_session* session_of(const struct pst_path* path,
                                                      struct pst_path_owner* owner) {
  const struct pst_path_owner* found = bpf_map_lookup_elem(&pst_paths, path);
  struct pst_session* session;

  if (!found) return (void*)0;
  *owner = *found;
  session = session_slot(owner->id);
  return session && owner->id && session->id == owner->id ? session : (void*)0;
}

/* A way out that may be used; NULL if there is none. */
static __always_inline const struct pst_next_hop* next_hop(__u32 index) {
  const struct pst_next_hop* hop = bpf_map_lookup_elem(&pst_next_hops, &index);

  return hop && index && hop->valid ? hop : (void*)0;
}

#endif
