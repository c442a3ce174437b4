// The command line of linkem: which interfaces, and what the link between them does to frames.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/error.h"
#include "linkem/line.h"

namespace penstock::linkem {

struct Options {
  std::string left, right;
  Impairments impairments;
  std::uint32_t seconds = 0;  // 0: until it is told to end
};

/// Reads "--name value" and "--name=value", and sees to it that all of it makes sense together. Errors name
/// the option and what it wants.
Result<Options> parse_options(std::span<const char* const> arguments);
std::string help();

}  // namespace penstock::linkem
