#include "base/source_counts.h"

namespace penstock {

std::size_t SourceCounts::of(const IpAddress& source) const {
  const auto found = counts_.find(prefix(source));
  return found == counts_.end() ? 0 : found->second;
}

void SourceCounts::add(const IpAddress& source) {
  ++counts_[prefix(source)];
  ++total_;
}

void SourceCounts::remove(const IpAddress& source) {
  const auto found = counts_.find(prefix(source));
  if (found == counts_.end()) return;
  --total_;
  if (--found->second == 0) counts_.erase(found);
}

}  // namespace penstock
