// Real BPF maps for tests, and whether this process may have any.
#pragma once

#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>

#include "base/file_descriptor.h"
#include "bpf/bpf_array.h"
#include "bpf/bpf_map.h"

namespace penstock::test {

/// A map of those sizes; no descriptor and errno where the kernel refuses.
inline FileDescriptor create_bpf_map(bpf_map_type type, std::size_t key_size, std::size_t value_size,
                                     std::uint32_t entries, std::uint32_t flags = 0) {
  bpf_attr attributes;
  std::memset(&attributes, 0, sizeof attributes);
  attributes.map_type = type;
  attributes.key_size = static_cast<std::uint32_t>(key_size);
  attributes.value_size = static_cast<std::uint32_t>(value_size);
  attributes.max_entries = entries;
  attributes.map_flags = flags;
  if (type == BPF_MAP_TYPE_LPM_TRIE) attributes.map_flags = BPF_F_NO_PREALLOC;
  return FileDescriptor{
      static_cast<int>(::syscall(__NR_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes))};
}

inline RawBpfMap raw_bpf_map(bpf_map_type type, std::size_t key_size, std::size_t value_size,
                             std::uint32_t entries, std::uint32_t flags = 0) {
  auto map =
      RawBpfMap::adopt(create_bpf_map(type, key_size, value_size, entries, flags), key_size, value_size);
  EXPECT_TRUE(map) << map.error().what;
  return std::move(*map);
}

/// An array that is our memory too.
inline RawBpfArray raw_bpf_array(std::size_t value_size, std::uint32_t entries) {
  auto array = RawBpfArray::map(
      raw_bpf_map(BPF_MAP_TYPE_ARRAY, sizeof(std::uint32_t), value_size, entries, BPF_F_MMAPABLE),
      value_size);
  EXPECT_TRUE(array) << array.error().what;
  return std::move(*array);
}

/// Why there can be no maps here; empty when there can.
inline std::string why_no_bpf_maps() {
  if (create_bpf_map(BPF_MAP_TYPE_ARRAY, 4, 8, 1)) return {};
  return std::string{"this process may not create BPF maps: "} + std::strerror(errno);
}

}  // namespace penstock::test
