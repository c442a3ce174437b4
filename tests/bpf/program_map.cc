// Filling, reading and clearing a map of the programs.
#include "bpf/program_map.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace penstock {
namespace {

[[noreturn]] void map_died(const std::string& name, const char* what) {
  std::fprintf(stderr, "map %s: %s\n", name.c_str(), what);
  std::abort();
}

bool is_array(bpf_map_type type) {
  return type == BPF_MAP_TYPE_ARRAY || type == BPF_MAP_TYPE_PERCPU_ARRAY || type == BPF_MAP_TYPE_SOCKMAP ||
         type == BPF_MAP_TYPE_ARRAY_OF_MAPS;
}

}  // namespace

BpfMap::BpfMap(const bpf_map* map)
    : fd_{bpf_map__fd(map)},
      name_{bpf_map__name(map)},
      key_size_{bpf_map__key_size(map)},
      value_size_{bpf_map__value_size(map)},
      entries_{bpf_map__max_entries(map)},
      array_{is_array(bpf_map__type(map))} {}

void BpfMap::check_sizes(std::size_t key, std::size_t value) const {
  if (key != key_size_ || value != value_size_) map_died(name_, "another size of key or value");
}

void BpfMap::update(const void* key, const void* value) {
  if (bpf_map_update_elem(fd_, key, value, BPF_ANY) != 0) map_died(name_, std::strerror(errno));
  if (!array_) return;
  std::uint32_t index = 0;
  std::memcpy(&index, key, sizeof(index));
  written_.push_back(index);
}

void BpfMap::add_all(std::uint64_t* sums, std::size_t words) const {
  const auto cpus = static_cast<std::size_t>(libbpf_num_possible_cpus());
  std::vector<std::uint32_t> keys(entries_);
  std::vector<std::uint64_t> values(entries_ * cpus * words);
  std::uint32_t count = entries_;
  std::uint64_t next = 0;
  if (bpf_map_lookup_batch(fd_, nullptr, &next, keys.data(), values.data(), &count, nullptr) != 0 &&
      errno != ENOENT)
    map_died(name_, std::strerror(errno));
  for (std::size_t entry = 0; entry < entries_; ++entry)
    for (std::size_t cpu = 0; cpu < cpus; ++cpu)
      for (std::size_t word = 0; word < words; ++word)
        sums[entry * words + word] += values[(entry * cpus + cpu) * words + word];
}

void BpfMap::clear() {
  std::vector<std::uint8_t> key(key_size_);
  const std::vector<std::uint8_t> zero(value_size_);
  if (!array_)
    while (bpf_map_get_next_key(fd_, nullptr, key.data()) == 0) bpf_map_delete_elem(fd_, key.data());
  for (const std::uint32_t index : written_)
    if (bpf_map_update_elem(fd_, &index, zero.data(), BPF_ANY) != 0) bpf_map_delete_elem(fd_, &index);
  written_.clear();
}

}  // namespace penstock
