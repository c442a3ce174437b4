// A tap device: what is written to its file arrives at the device, and what leaves by the device is read
// there.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"
#include "base/file_descriptor.h"

namespace penstock {

struct TapDevice {
  FileDescriptor file;  // Ethernet frames, one a call; non-blocking. Closing it ends the device
  std::uint32_t index = 0;
};

/// Makes the device and brings it up, without ARP or IPv6, with the largest MTU that there is. Few frames
/// wait to be read. Errc::kExists when something has the name. Needs CAP_NET_ADMIN to be permitted.
Result<TapDevice> make_tap_device(const std::string& name);

}  // namespace penstock
