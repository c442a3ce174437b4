#include "base/port_set.h"

#include <algorithm>

#include "base/text.h"

namespace penstock {

Result<PortRange> PortRange::parse(std::string_view text) {
  const auto dash = text.find('-');
  const auto first = parse_number<std::uint16_t>(text.substr(0, dash));
  const auto last =
      dash == std::string_view::npos ? first : parse_number<std::uint16_t>(text.substr(dash + 1));
  if (!first || !last || *first == 0 || *first > *last) {
    return error(Errc::kInvalid, "'" + printable(text, 32) +
                                     "' is not a port or range: write 80 or 8000-8100, from 1 to 65535");
  }
  return PortRange{*first, *last};
}

std::string PortRange::to_string() const {
  return first == last ? std::to_string(first) : std::to_string(first) + "-" + std::to_string(last);
}

void PortSet::add(PortRange range) {
  // The ranges that touch or overlap the new one stand next to each other; it swallows them.
  const auto first = std::lower_bound(
      ranges_.begin(), ranges_.end(), range,
      [](const auto& held, const auto& added) { return std::uint32_t{held.last} + 1 < added.first; });
  auto behind = first;
  for (; behind != ranges_.end() && behind->first <= std::uint32_t{range.last} + 1; ++behind) {
    range = {std::min(behind->first, range.first), std::max(behind->last, range.last)};
  }
  if (first == behind) {
    ranges_.insert(first, range);
  } else {
    *first = range;
    ranges_.erase(first + 1, behind);
  }
}

void PortSet::remove(PortRange range) {
  std::vector<PortRange> left;
  left.reserve(ranges_.size() + 1);
  for (const PortRange& held : ranges_) {
    if (held.last < range.first || range.last < held.first) {
      left.push_back(held);
      continue;
    }
    if (held.first < range.first) left.push_back({held.first, static_cast<std::uint16_t>(range.first - 1)});
    if (held.last > range.last) left.push_back({static_cast<std::uint16_t>(range.last + 1), held.last});
  }
  ranges_ = std::move(left);
}

bool PortSet::contains(std::uint16_t port) const {
  const auto behind =
      std::upper_bound(ranges_.begin(), ranges_.end(), port,
                       [](std::uint16_t value, const PortRange& range) { return value < range.first; });
  return behind != ranges_.begin() && std::prev(behind)->last >= port;
}

std::uint32_t PortSet::size() const {
  std::uint32_t total = 0;
  for (const PortRange& range : ranges_) total += range.size();
  return total;
}

PortSet PortSet::intersection(const PortSet& other) const {
  PortSet out;
  for (const PortRange& a : ranges_) {
    for (const PortRange& b : other.ranges_) {
      if (a.first <= b.last && b.first <= a.last) {
        out.add({std::max(a.first, b.first), std::min(a.last, b.last)});
      }
    }
  }
  return out;
}

PortSet PortSet::difference(const PortSet& other) const {
  PortSet out = *this;
  for (const PortRange& range : other.ranges_) out.remove(range);
  return out;
}

std::string PortSet::to_string() const {
  if (ranges_.empty()) return "none";
  std::string out;
  for (const PortRange& range : ranges_) out += (out.empty() ? "" : ",") + range.to_string();
  return out;
}

}  // namespace penstock
