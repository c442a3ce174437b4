// Sets of port numbers, written as numbers and ranges.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace penstock {

/// First and last port of a range, both included.
struct PortRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;

  /// "80" or "8000-8100"; ports are 1 to 65535 and first <= last.
  static Result<PortRange> parse(std::string_view text);
  std::string to_string() const;
  std::uint32_t size() const { return std::uint32_t{last} - first + 1; }
  auto operator<=>(const PortRange&) const = default;
};

/// A set of ports, kept as sorted ranges that neither touch nor overlap.
class PortSet {
 public:
  void add(PortRange range);
  void remove(PortRange range);
  bool contains(std::uint16_t port) const;
  bool empty() const { return ranges_.empty(); }
  std::uint32_t size() const;
  const std::vector<PortRange>& ranges() const& { return ranges_; }
  const std::vector<PortRange>& ranges() const&& = delete;  // it would dangle
  PortSet intersection(const PortSet& other) const;
  PortSet difference(const PortSet& other) const;
  /// "80,443,8000-8100", or "none".
  std::string to_string() const;
  bool operator==(const PortSet&) const = default;

 private:
  std::vector<PortRange> ranges_;
};

}  // namespace penstock
