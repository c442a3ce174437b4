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

/// Reads "--name value" and "--name=value". Errors name the option and what it wants.
Result<Options> parse_options(const Command& command, std::span<const char* const> arguments);
/// The help page of one command.
std::string help(const Command& command);

}  // namespace penstock::flowload
