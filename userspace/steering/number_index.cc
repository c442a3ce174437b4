#include "steering/number_index.h"

#include <algorithm>
#include <bit>

namespace penstock {

/// Memory of zeros, which the system gives page by page as it is used, is a table of free buckets.
NumberIndex::NumberIndex(std::uint32_t capacity)
    : capacity_{capacity},
      mask_{std::bit_ceil(std::max<std::size_t>(capacity, 1) * 2) - 1},
      buckets_{static_cast<Bucket*>(std::calloc(mask_ + 1, sizeof(Bucket)))} {
  static_assert(sizeof(Bucket) == 4);
  if (capacity > kMost || buckets_ == nullptr) std::abort();
}

void NumberIndex::insert(std::uint64_t hash, std::uint32_t number) {
  if (size_ == capacity_ || number >= kMost) std::abort();
  std::size_t at = hash & mask_;
  while (buckets_[at].tag != kFree) at = (at + 1) & mask_;
  buckets_[at].number = number & (kMost - 1);
  buckets_[at].tag = tag_of(hash) & (kTags - 1);
  ++size_;
}

std::size_t NumberIndex::place_of(std::uint64_t hash, std::uint32_t number) const {
  std::size_t at = hash & mask_;
  for (; buckets_[at].tag != kFree; at = (at + 1) & mask_) {
    if (buckets_[at].number == number) return at;
  }
  std::abort();
}

}  // namespace penstock
