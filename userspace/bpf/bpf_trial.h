// Whether this kernel loads and attaches the kinds of programs that we have: tried with programs that do
// nothing.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"
#include "bpf/bpf_link.h"

namespace penstock {

// Each tries it, and takes away what it made before it returns. All need CAP_BPF and CAP_NET_ADMIN.

/// A program that passes every packet, for the moment of the call. kExists: another's is on the interface.
Result<void> try_xdp(std::uint32_t interface, XdpMode mode);
/// The same for sk_lookup in the calling thread's network namespace.
Result<void> try_sk_lookup();
/// Whether programs of type EXT (freplace) can be loaded, by which several share an interface.
Result<void> try_freplace();

/// Whether the file is a pinned link that holds the interface with an XDP program.
bool is_xdp_link(const std::string& pin, std::uint32_t interface);

}  // namespace penstock
