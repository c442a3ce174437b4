// From a session's path to where its session is, in one probe or two.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "steering/session.h"
#include "steering/sip_hash.h"

namespace penstock {

/// Open addressing with linear probing: twice as many buckets as paths at least, allocated once, so a search
/// always ends. A bucket has 32 bits of the path's hash beside the number that the path stands for, so paths,
/// which are the owner's, are hardly ever read in vain. What is erased leaves no tombstone: those behind it
/// move up.
///
/// Strangers choose paths, so the hash is SipHash-1-3 under the table's own key: a cheaper mix has no proof
/// behind it, and the memory that a lookup waits for costs far more than the eight rounds. One thread.
class PathIndex {
 public:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  /// For `capacity` paths at most.
  PathIndex(std::uint32_t capacity, const SipKey& key);

  /// The number of `path`, or kNone; `path_of(number)` gives the path that a number stands for.
  template <class PathOf>
  std::uint32_t find(const SessionPath& path, const PathOf& path_of) const {
    const std::uint32_t hash = hash_of(path);
    for (std::size_t at = hash & mask_; buckets_[at].number != kNone; at = (at + 1) & mask_) {
      if (buckets_[at].hash == hash && path_of(buckets_[at].number) == path) return buckets_[at].number;
    }
    return kNone;
  }
  /// `path` must not be here, and `number` not kNone. Aborts when the index is full.
  void insert(const SessionPath& path, std::uint32_t number);
  /// Aborts when `path` is not here with that number.
  void erase(const SessionPath& path, std::uint32_t number);

  std::size_t size() const { return size_; }
  /// Memory that it holds.
  std::size_t bytes() const { return buckets_.size() * sizeof(Bucket); }

 private:
  struct Bucket {
    std::uint32_t hash = 0;
    std::uint32_t number = kNone;
  };
  std::uint32_t hash_of(const SessionPath& path) const;
  void fill(std::size_t hole);

  const std::uint32_t capacity_;
  const SipKey key_;
  std::vector<Bucket> buckets_;
  const std::size_t mask_;  // of a bucket's position; their count is a power of two
  std::size_t size_ = 0;
};

}  // namespace penstock
