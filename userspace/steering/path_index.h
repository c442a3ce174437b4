// From a session's path to where its session is, in one probe or two.
#pragma once

#include <cstddef>
#include <cstdint>

#include "steering/number_index.h"
#include "steering/session.h"
#include "steering/sip_hash.h"

namespace penstock {

/// Paths are the owner's, and known here by number. Strangers choose them, so the hash is SipHash-1-3 under
/// the table's own key: a cheaper mix has no proof behind it, and the memory that a lookup waits for costs
/// far more than the eight rounds. One thread.
class PathIndex {
 public:
  static constexpr std::uint32_t kNone = NumberIndex::kNone;

  /// For `capacity` paths at most.
  PathIndex(std::uint32_t capacity, const SipKey& key) : key_{key}, numbers_{capacity} {}

  /// The number of `path`, or kNone; `path_of(number)` gives the path that a number stands for.
  template <class PathOf>
  std::uint32_t find(const SessionPath& path, const PathOf& path_of) const {
    return numbers_.find(hash_of(path), [&](std::uint32_t number) { return path_of(number) == path; });
  }
  /// `path` must not be here. Aborts when the index is full.
  void insert(const SessionPath& path, std::uint32_t number) { numbers_.insert(hash_of(path), number); }
  /// Aborts when `path` is not here with that number.
  template <class PathOf>
  void erase(const SessionPath& path, std::uint32_t number, const PathOf& path_of) {
    numbers_.erase(hash_of(path), number, [&](std::uint32_t other) { return hash_of(path_of(other)); });
  }

  std::size_t size() const { return numbers_.size(); }
  /// Memory that it holds when all of it is used.
  std::size_t bytes() const { return numbers_.bytes(); }

 private:
  std::uint64_t hash_of(const SessionPath& path) const;

  const SipKey key_;
  NumberIndex numbers_;
};

}  // namespace penstock
