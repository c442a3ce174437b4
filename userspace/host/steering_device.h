// The private pair of veth devices through which frames leave the host's stack for the kernel programs.
#pragma once

#include <cstdint>
#include <string>

#include "base/address.h"
#include "base/error.h"
#include "host/mac.h"

namespace penstock {

/// Names, size and addresses of the steering device.
struct SteeringDeviceOptions {
  std::string near = "penstock0";  // where the steering sockets send to
  std::string far = "penstock1";   // where the programs take it, and local backends answer to
  std::uint32_t mtu = 1500;        // of both ends: that of the public interface
  IpAddress steering_address;      // IPv4, of the steering sockets: put on the loopback device
  IpAddress network;               // IPv4, nobody else's: lower half virtual, upper half local sources
  int network_bits = 15;           // 1 ... 30
};

/// The steering device as it stands.
struct SteeringDevice {
  std::uint32_t near_index = 0;
  std::uint32_t far_index = 0;
  Mac mac;                    // of both ends
  bool adopted = false;       // it was there before
  bool joins_bursts = false;  // near's NAPI waits a little, so that GRO joins what local backends answer
  int rp_filter = 0;  // what holds on both ends: all's, which is left alone. Other than 0 drops frames
};

/// Makes the pair, or adopts one of these names, and brings it, its routes and the steering address into the
/// state that the programs need. IPv6 is off on both ends, ARP too: every destination behind them is the
/// programs'. Errc::kExists when a name or a route is taken by something else; then, and on every other
/// error, a pair made by this call is gone again. Needs CAP_NET_ADMIN to be permitted; the loopback device
/// must be up.
Result<SteeringDevice> open_steering_device(const SteeringDeviceOptions& options);

/// Takes the pair, its routes and the steering address away; succeeds when nothing is there. Errc::kExists
/// when something else has one of the names: it stays.
Result<void> remove_steering_device(const SteeringDeviceOptions& options);

}  // namespace penstock
