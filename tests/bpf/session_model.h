// The node that the tests describe to the programs: its addresses, its ports, its sessions.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/address.h"
#include "bpf/packet.h"
#include "penstock/abi/session.h"
#include "penstock/abi/settings.h"

namespace penstock {

constexpr std::string_view kSteering = "198.18.0.1";
constexpr std::string_view kVirtual = "198.18.0.2";
constexpr std::uint16_t kVirtualPort = 41234;
constexpr std::uint16_t kLanePort = 30001;  // of lane 0; lane 1 has the next
constexpr std::uint16_t kPort = 7777;       // assigned, of kService
constexpr std::uint16_t kService = 3;
constexpr std::uint32_t kHopDevice = 77;
constexpr Mac kHopTo{0x06, 1, 1, 1, 1, 1};
constexpr Mac kHopFrom{0x06, 2, 2, 2, 2, 2};

/// The ends of one family: IPv4 and IPv6 sessions differ in nothing else.
struct Ends {
  std::string_view client, local, source, backend;
};
constexpr Ends kV4{"192.0.2.33", "198.51.100.7", "10.0.0.1", "10.0.0.5"};
constexpr Ends kV6{"2001:db8:2::33", "2001:db8:1::7", "fd00::1", "fd00::5"};
constexpr std::uint16_t kClientPort = 40000;
constexpr std::uint16_t kSourcePort = 20000;
constexpr std::uint16_t kBackendPort = 5353;

constexpr std::uint32_t session_id(std::uint32_t slot, std::uint32_t generation) {
  return generation << 20 | slot;
}

std::uint16_t big_endian(std::uint16_t number);
pst_address abi_address(const IpAddress& address);
pst_address abi_address(std::string_view text);

/// Steering set up for two lanes; every address serves assigned ports.
pst_settings model_settings();
/// A session between a client of one family and a backend of the same or the other; way 1 leads to the
/// client, way 2 to the backend.
pst_session model_session(std::uint32_t id, const Ends& client_side, const Ends& backend_side);
/// How its datagrams look when they come from there.
pst_path path_from_client(const pst_session& session);
pst_path path_from_backend(const pst_session& session);
/// The PROXY v2 header of the session, by the controller's own encoder.
Octets proxy_header(const Ends& client_side);

}  // namespace penstock
