#include "tunnel/fragment_assembler.h"

#include <algorithm>

namespace penstock {

Bytes FragmentAssembler::take(std::uint32_t session, const QuicFragment& fragment, Time now) {
  drop_old(now);
  auto at = find(session, fragment);
  if (at == partials_.end()) {
    partials_.push_back(
        {.session = session, .number = fragment.number, .count = fragment.count, .since = now, .parts = {}});
    at = std::prev(partials_.end());
    at->bytes = sizeof(Partial);
    bytes_ += at->bytes;
  }
  std::vector<std::byte>& part = at->parts[fragment.index];
  if (!part.empty()) return {};  // came twice
  part.assign(fragment.part.begin(), fragment.part.end());
  at->bytes += part.size();
  bytes_ += part.size();
  if (++at->here == at->count) {
    whole_.clear();
    for (const auto& piece : at->parts) whole_.insert(whole_.end(), piece.begin(), piece.end());
    drop(at);
    return whole_;
  }
  while (bytes_ > kMostBytes || partials_.size() > kMost) {
    ++lost_;
    drop(partials_.begin());
  }
  return {};
}

void FragmentAssembler::drop_old(Time now) {
  while (!partials_.empty() && now - partials_.front().since > kLongest) {
    ++lost_;
    drop(partials_.begin());
  }
}

/// Numbers come round again: one that means another datagram has another count, or is long gone.
FragmentAssembler::Partials::iterator FragmentAssembler::find(std::uint32_t session,
                                                              const QuicFragment& fragment) {
  const auto latest = std::find_if(partials_.rbegin(), partials_.rend(), [&](const Partial& partial) {
    return partial.session == session && partial.number == fragment.number && partial.count == fragment.count;
  });
  return latest == partials_.rend() ? partials_.end() : std::prev(latest.base());
}

void FragmentAssembler::drop(const Partials::iterator& at) {
  bytes_ -= at->bytes;
  partials_.erase(at);
}

}  // namespace penstock
