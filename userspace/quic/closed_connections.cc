#include "quic/closed_connections.h"

#include <bit>

namespace penstock {
namespace {

constexpr std::size_t kAmplification = 3;  // RFC 9000, 8.1

}  // namespace

/// The oldest goes when there are too many: its peer times out instead.
void ClosedConnections::add(ConnectionRemains remains, Time now) {
  if (remains.until <= now) return;
  if (kept_.size() >= kMost) forget_first();
  const Time until = remains.until;
  kept_.push_back({.remains = std::move(remains), .until = until});
  for (const ConnectionId& id : kept_.back().remains.ids) ids_[id] = &kept_.back();
}

Bytes ClosedConnections::answer_for(const ConnectionId& id, std::size_t size) {
  const auto found = ids_.find(id);
  if (found == ids_.end()) return {};
  Kept& kept = *found->second;
  const Bytes answer{kept.remains.answer};
  const bool due = std::has_single_bit(++kept.packets);
  return due && answer.size() <= kAmplification * size ? answer : Bytes{};
}

void ClosedConnections::forget_until(Time now) {
  while (!kept_.empty() && kept_.front().until <= now) forget_first();
}

void ClosedConnections::forget_first() {
  for (const ConnectionId& id : kept_.front().remains.ids) {
    const auto found = ids_.find(id);
    if (found != ids_.end() && found->second == &kept_.front()) ids_.erase(found);
  }
  kept_.pop_front();
}

}  // namespace penstock
