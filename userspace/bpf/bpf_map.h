// Maps that kernel programs and we share, typed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file_descriptor.h"

namespace penstock {

/// A map by its descriptor, in bytes. What BpfMap<K, V> stands on. Any thread; each call is one system call.
class RawBpfMap {
 public:
  /// The kernel's id and sizes of it; refused when key or value have another size than ours.
  static Result<RawBpfMap> adopt(FileDescriptor map, std::size_t key_size, std::size_t value_size);
  /// A map that is pinned.
  static Result<RawBpfMap> open(const std::string& pin, std::size_t key_size, std::size_t value_size);

  /// Values of all CPUs one after another, where the map has one for each.
  Result<bool> lookup(const void* key, void* value) const;
  Result<void> update(const void* key, const void* value) const;
  /// False: there is an element of that key, which stays.
  Result<bool> insert(const void* key, const void* value) const;
  /// Elements in a row; the first that fails ends it.
  Result<void> update_batch(const void* keys, const void* values, std::uint32_t count) const;
  /// False: there was none.
  Result<bool> erase(const void* key) const;
  /// False: `after` (null: none) was the last key.
  Result<bool> next_key(const void* after, void* key) const;

  int fd() const { return map_.get(); }
  std::uint32_t capacity() const { return capacity_; }
  const std::string& name() const { return name_; }

 private:
  Error failed(const char* doing, int error_number) const;

  FileDescriptor map_;
  std::string name_;
  std::uint32_t capacity_ = 0;
};

/// How many values a map with one for each CPU gives and takes.
std::size_t possible_cpus();

/// A map of K to V, both shared with the kernel (include/penstock/abi).
template <class K, class V>
class BpfMap {
 public:
  explicit BpfMap(RawBpfMap map) : map_{std::move(map)} {}

  Result<std::optional<V>> lookup(const K& key) const {
    V value{};
    const auto found = map_.lookup(&key, &value);
    if (!found) return found.error();
    return *found ? std::optional<V>{value} : std::nullopt;
  }
  Result<void> update(const K& key, const V& value) const { return map_.update(&key, &value); }
  Result<bool> insert(const K& key, const V& value) const { return map_.insert(&key, &value); }
  Result<void> update_batch(std::span<const K> keys, std::span<const V> values) const {
    return map_.update_batch(keys.data(), values.data(), static_cast<std::uint32_t>(keys.size()));
  }
  Result<bool> erase(const K& key) const { return map_.erase(&key); }
  /// Keys, at most `most`. While others change the map some may be missing.
  Result<std::vector<K>> keys(std::size_t most) const {
    std::vector<K> out;
    K key{};
    for (const void* after = nullptr; out.size() < most; after = &out.back()) {
      const auto more = map_.next_key(after, &key);
      if (!more) return more.error();
      if (!*more) break;
      out.push_back(key);
    }
    return out;
  }
  const RawBpfMap& raw() const { return map_; }

 private:
  RawBpfMap map_;
};

}  // namespace penstock
