// libxdp's dispatcher: a program that lets those of several owners run on one interface, one after another.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"
#include "bpf/bpf_link.h"

namespace penstock {

// In a dispatcher we have an entry, bpf/dispatched_xdp.bpf.c, which leads to the program of the node by an
// array that is pinned in the node's folder. The entry stays where it is when the node starts anew: the array
// gets the new program in one step. An entry whose array is gone passes every packet. libxdp pins what is in
// its dispatchers below /sys/fs/bpf, or the folder that LIBXDP_BPFFS names; ours may be elsewhere. One thread
// at a time; all need root.

/// Our place in the order of a dispatcher: programs with lower numbers see each packet before us, those with
/// higher ones what we pass.
inline constexpr unsigned kDispatcherPriority = 50;

/// How the dispatcher is attached. kExists: what is on the interface is none. kUnavailable: it is one, but
/// what runs in it is not pinned where libxdp looks. kNotFound: nothing is on the interface.
Result<XdpMode> find_dispatcher(std::uint32_t interface);

/// Whether the kernel would let our entry into the dispatcher on the interface. Changes nothing. Errors are
/// those of find_dispatcher(), and kUnavailable.
Result<void> try_dispatcher(std::uint32_t interface);

/// Lets `program` run in the dispatcher that is on the interface. All interfaces of one `folder` run the
/// program that was named last. kExists: there is no dispatcher, or another node is in it.
Result<XdpMode> join_dispatcher(const std::string& folder, int program, std::uint32_t interface);

/// Whether an entry of a node whose pins are in `folder`, or below, is in the interface's dispatcher.
bool is_in_dispatcher(const std::string& folder, std::uint32_t interface);

/// Takes such entries out of all dispatchers of this network namespace; what else is in them runs on.
Result<void> leave_dispatchers(const std::string& folder);

}  // namespace penstock
