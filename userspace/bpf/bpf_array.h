// An array map that is also our memory: kernel programs and we read and write its elements in place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "base/error.h"
#include "bpf/bpf_map.h"

namespace penstock {

/// The mapping of an array map made with BPF_F_MMAPABLE. Any thread; elements have no lock, so that whoever
/// shares one says in its own words who writes what. Owns the map's descriptor.
class RawBpfArray {
 public:
  static Result<RawBpfArray> map(RawBpfMap array, std::size_t value_size);
  RawBpfArray(RawBpfArray&& other) noexcept;
  RawBpfArray& operator=(RawBpfArray&& other) = delete;
  ~RawBpfArray();

  void* memory() const { return memory_; }
  std::uint32_t size() const { return array_.capacity(); }

 private:
  RawBpfArray(RawBpfMap array, void* memory, std::size_t bytes);

  RawBpfMap array_;
  void* memory_;
  std::size_t bytes_;
};

template <class V>
class BpfArray {
 public:
  static_assert(sizeof(V) % 8 == 0 || 8 % sizeof(V) == 0);
  explicit BpfArray(RawBpfArray array) : array_{std::move(array)} {}
  /// One that is pinned; refused when keys are no indices or values have another size.
  static Result<BpfArray> open(const std::string& pin) {
    auto map = RawBpfMap::open(pin, sizeof(std::uint32_t), sizeof(V));
    if (!map) return map.error();
    auto mapped = RawBpfArray::map(std::move(*map), sizeof(V));
    if (!mapped) return mapped.error();
    return BpfArray{std::move(*mapped)};
  }

  std::uint32_t size() const { return array_.size(); }
  /// Elements lie eight bytes apart at least: `index` must be below size().
  V& operator[](std::uint32_t index) const {
    auto* const bytes = static_cast<std::byte*>(array_.memory()) + std::size_t{index} * kStride;
    return *reinterpret_cast<V*>(bytes);
  }

 private:
  static constexpr std::size_t kStride = (sizeof(V) + 7) / 8 * 8;
  RawBpfArray array_;
};

}  // namespace penstock
