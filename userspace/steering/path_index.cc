#include "steering/path_index.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <span>
#include <type_traits>

namespace penstock {

static_assert(std::has_unique_object_representations_v<SessionPath>);  // it is hashed as the bytes that it is

PathIndex::PathIndex(std::uint32_t capacity, const SipKey& key)
    : capacity_{capacity},
      key_{key},
      buckets_(std::bit_ceil(std::max<std::size_t>(capacity, 1) * 2)),
      mask_{buckets_.size() - 1} {}

void PathIndex::insert(const SessionPath& path, std::uint32_t number) {
  if (size_ == capacity_) std::abort();
  const std::uint32_t hash = hash_of(path);
  std::size_t at = hash & mask_;
  while (buckets_[at].number != kNone) at = (at + 1) & mask_;
  buckets_[at] = {hash, number};
  ++size_;
}

void PathIndex::erase(const SessionPath& path, std::uint32_t number) {
  std::size_t at = hash_of(path) & mask_;
  while (buckets_[at].number != number) {
    if (buckets_[at].number == kNone) std::abort();
    at = (at + 1) & mask_;
  }
  fill(at);
  --size_;
}

/// Moves up what a search would otherwise no longer reach: each bucket behind the hole, up to the next empty
/// one, whose own place is not between the hole and itself.
void PathIndex::fill(std::size_t hole) {
  for (std::size_t at = (hole + 1) & mask_; buckets_[at].number != kNone; at = (at + 1) & mask_) {
    const std::size_t from_home = (at - buckets_[at].hash) & mask_;
    if (from_home < ((at - hole) & mask_)) continue;
    buckets_[hole] = buckets_[at];
    hole = at;
  }
  buckets_[hole] = {};
}

std::uint32_t PathIndex::hash_of(const SessionPath& path) const {
  return static_cast<std::uint32_t>(sip_hash_13(key_, std::as_bytes(std::span{&path, 1})));
}

}  // namespace penstock
