// Packet captures that a failed test leaves behind.
#pragma once

#include <string>
#include <vector>

#include "bpf/packet.h"

namespace penstock {

/// Writes the packets, in order, to a file that tcpdump and Wireshark read. Returns its path, or why not.
std::string write_pcap(const std::string& name, const std::vector<Octets>& packets);

}  // namespace penstock
