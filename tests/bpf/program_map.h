// One map of the programs, as tests fill and read it.
#pragma once

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace penstock {

/// A map of an object that is loaded. Does not own the descriptor. What fails ends the test program.
class BpfMap {
 public:
  BpfMap() = default;
  explicit BpfMap(const bpf_map* map);

  int descriptor() const { return fd_; }
  std::uint32_t entries() const { return entries_; }

  template <class Key, class Value>
  void put(const Key& key, const Value& value) {
    check_sizes(sizeof(Key), sizeof(Value));
    update(&key, &value);
  }
  template <class Value, class Key>
  std::optional<Value> get(const Key& key) const {
    check_sizes(sizeof(Key), sizeof(Value));
    Value value{};
    if (bpf_map_lookup_elem(fd_, &key, &value) != 0) return std::nullopt;
    return value;
  }
  template <class Key>
  void erase(const Key& key) {
    bpf_map_delete_elem(fd_, &key);
  }
  /// All values of a per-CPU array, summed over CPUs; the value is made of 64-bit numbers.
  template <class Value>
  std::vector<Value> sums() const {
    static_assert(sizeof(Value) % sizeof(std::uint64_t) == 0);
    std::vector<Value> out(entries_);
    add_all(reinterpret_cast<std::uint64_t*>(out.data()), sizeof(Value) / sizeof(std::uint64_t));
    return out;
  }
  /// Removes what put() wrote to an array, and everything from a map with keys.
  void clear();

 private:
  void check_sizes(std::size_t key, std::size_t value) const;
  void update(const void* key, const void* value);
  void add_all(std::uint64_t* sums, std::size_t words) const;

  int fd_ = -1;
  std::string name_;
  std::uint32_t key_size_ = 0;
  std::uint32_t value_size_ = 0;
  std::uint32_t entries_ = 0;
  bool array_ = false;
  std::vector<std::uint32_t> written_;  // indices of an array
};

}  // namespace penstock
