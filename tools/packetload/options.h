// The command line of packetload: what to send, from whom, how fast and how long.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/address_prefix.h"
#include "base/error.h"

namespace penstock::packetload {

using MacAddress = std::array<std::uint8_t, 6>;

constexpr std::size_t kMostSources = 64;
constexpr std::uint32_t kLeastSize = 16;   // bytes of a datagram
constexpr std::uint32_t kMostSize = 1472;  // what a frame of an interface with an MTU of 1500 holds

struct Options {
  std::string interface;
  MacAddress mac{};  // of the interface at the other end, or of the router behind ours
  Endpoint connect{};
  std::vector<IpAddress> sources{};               // taken in turn
  std::optional<AddressPrefix> random_sources{};  // another address and port for every datagram from there
  std::uint32_t strangers = 0;                    // after each of a session, where there are sessions
  std::uint32_t ports = 1;                        // in a row, from the port of `connect` on
  std::uint32_t sessions = 1;       // triples of a source's address and port, and a port of `connect`
  std::uint32_t first_port = 1024;  // of each source
  std::uint32_t size = 60;
  bool mixed = false;
  std::uint64_t rate = 0;       // datagrams a second; 0: as fast as it goes
  std::uint64_t datagrams = 0;  // how many; 0: until the time is over
  std::uint32_t seconds = 10;
};

/// Reads "--name value", "--name=value", and "--name" of what is on or off, and sees to it that all of it
/// makes sense together. Errors name the option and what it wants.
Result<Options> parse_options(std::span<const char* const> arguments);
/// "02:00:00:00:00:01"
Result<MacAddress> parse_mac(std::string_view text);
std::string help();

}  // namespace penstock::packetload
