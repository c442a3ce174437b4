/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Our entry in libxdp's dispatcher, where others share an interface: leads to the program of the node. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

/* Which program that is. The kernel empties it when nobody has it pinned or open any more. */
struct {
  __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
  __uint(max_entries, 1);
  __uint(key_size, sizeof(__u32));
  __uint(value_size, sizeof(__u32));
  __uint(pinning, LIBBPF_PIN_BY_NAME);
} pst_dispatched SEC(".maps");

/* A node that starts anew changes the program behind this one step: no packet meets two of ours, or none. */
SEC("xdp")
int penstock_xdp(struct xdp_md* ctx) {
  bpf_tail_call(ctx, &pst_dispatched, 0);
  return XDP_PASS;
}
