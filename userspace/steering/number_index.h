// From hashes of keys to numbers: what sessions are found by.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

namespace penstock {

/// Open addressing with linear probing: twice as many buckets as numbers at least, allocated once, so a
/// search always ends; those that were never used take no memory. A bucket of four bytes has the number, and
/// bits of the key's hash that did not choose its place, so keys, which are the owner's, are hardly ever read
/// in vain. What is erased leaves no tombstone: those behind it move up.
///
/// Where strangers choose keys, the hash must be one whose key they do not know. One thread.
class NumberIndex {
 public:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};
  static constexpr std::uint32_t kMost = 1U << 20;  // numbers are below it

  /// For `capacity` numbers at most; aborts when that is more than kMost.
  explicit NumberIndex(std::uint32_t capacity);

  /// The number whose key has that hash and for which is(number) says that it is the key, or kNone.
  template <class Is>
  std::uint32_t find(std::uint64_t hash, const Is& is) const {
    const std::uint32_t tag = tag_of(hash);
    for (std::size_t at = hash & mask_; buckets_[at].tag != kFree; at = (at + 1) & mask_) {
      if (buckets_[at].tag == tag && is(buckets_[at].number)) return buckets_[at].number;
    }
    return kNone;
  }
  /// The key must not be here. Aborts when the index is full, or the number is too large.
  void insert(std::uint64_t hash, std::uint32_t number);
  /// Aborts when that number is not here with that hash; hash_of(number) gives the hash of the others' keys.
  template <class HashOf>
  void erase(std::uint64_t hash, std::uint32_t number, const HashOf& hash_of) {
    std::size_t hole = place_of(hash, number);
    // Each one behind the hole, up to the next free bucket, moves up unless its own place is behind it too.
    for (std::size_t at = (hole + 1) & mask_; buckets_[at].tag != kFree; at = (at + 1) & mask_) {
      const std::size_t from_home = (at - hash_of(buckets_[at].number)) & mask_;
      if (from_home < ((at - hole) & mask_)) continue;
      buckets_[hole] = buckets_[at];
      hole = at;
    }
    buckets_[hole] = {};
    --size_;
  }

  std::size_t size() const { return size_; }
  /// Memory that it holds when all of it is used.
  std::size_t bytes() const { return (mask_ + 1) * sizeof(Bucket); }

 private:
  static constexpr std::uint32_t kTags = 1U << 12;
  static constexpr std::uint32_t kFree = 0;
  struct Bucket {
    std::uint32_t number : 20 = 0;
    std::uint32_t tag : 12 = kFree;
  };
  struct Free {
    void operator()(Bucket* buckets) const { std::free(buckets); }
  };
  /// From bits that no place has, for there are fewer buckets than 2^32.
  static std::uint32_t tag_of(std::uint64_t hash) {
    return 1 + static_cast<std::uint32_t>(hash >> 32) % (kTags - 1);
  }
  std::size_t place_of(std::uint64_t hash, std::uint32_t number) const;

  const std::uint32_t capacity_;
  const std::size_t mask_;  // of a bucket's place; their count is a power of two
  std::unique_ptr<Bucket[], Free> buckets_;
  std::size_t size_ = 0;
};

}  // namespace penstock
