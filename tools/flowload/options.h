// The command line: commands, their options, and the help made from both.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/error.h"
#include "flowload/bulk_wire.h"

namespace penstock::flowload {

/// What was asked for. A command reads the fields whose options it lists.
struct Options {
  Endpoint listen{};
  Endpoint connect{};
  std::vector<IpAddress> sources{};  // taken in turn; empty: the kernel's choice
  std::uint32_t seconds = 0;         // 0: until a signal (servers only)
  std::uint32_t concurrency = 1;     // flows that are being made at once
  std::uint32_t flows = 1;
  std::uint32_t max_flows = 16384;  // that a server serves at once
  std::uint32_t interval_ms = 5;
  std::uint32_t rate_total = 0;  // Mbit/s of all flows together and each direction; 0: as fast as it goes
  Direction direction = Direction::kUp;
  std::uint32_t ports = 1;       // in a row, from the port of `listen` or `connect` on
  bool sink = false;             // receive and send nothing back
  bool proxy_v2 = false;         // every datagram begins with a header that is not sent back
  std::uint32_t size = 60;       // bytes of a datagram
  bool mixed = false;            // sizes up to that, another for each datagram
  std::uint32_t sessions = 1;    // pairs of a client's and a server's port
  std::uint32_t first_port = 0;  // of each source; 0: the kernel's choice
  std::uint32_t window = 0;      // datagrams unanswered at most; 0: no limit
  std::uint32_t rate = 0;        // datagrams a second; 0: as fast as it goes
  std::uint32_t datagrams = 0;   // how many; 0: until the time is over

  /// The source of the `index`th flow, if sources were given.
  std::optional<IpAddress> source_of(std::uint64_t index) const;
};

/// A command and its options: those it must have, and those it may have.
struct Command {
  std::string_view name;
  std::string_view summary;
  std::vector<std::string_view> required;
  std::vector<std::string_view> optional;
  Options defaults;
  /// Runs to the end and prints reports. True when every flow did what it should.
  Result<bool> (*run)(const Options& options);
};

/// Reads "--name value", "--name=value", and "--name" of what is on or off. Errors name the option and what
/// it wants.
Result<Options> parse_options(const Command& command, std::span<const char* const> arguments);
/// The help page of one command.
std::string help(const Command& command);

}  // namespace penstock::flowload
