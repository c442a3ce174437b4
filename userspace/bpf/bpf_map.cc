#include "bpf/bpf_map.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <cerrno>

namespace penstock {

Result<RawBpfMap> RawBpfMap::adopt(FileDescriptor map, std::size_t key_size, std::size_t value_size) {
  bpf_map_info info{};
  __u32 length = sizeof info;
  if (::bpf_obj_get_info_by_fd(map.get(), &info, &length) != 0)
    return system_error("cannot look at a BPF map", errno);
  if (info.key_size != key_size || info.value_size != value_size) {
    return error(Errc::kInvalid, std::string{"BPF map "} + info.name + " has keys of " +
                                     std::to_string(info.key_size) + " and values of " +
                                     std::to_string(info.value_size) +
                                     " bytes, which this version does not expect: penstockctl detach");
  }
  RawBpfMap out;
  out.map_ = std::move(map);
  out.name_ = info.name;
  out.capacity_ = info.max_entries;
  return out;
}

Result<RawBpfMap> RawBpfMap::open(const std::string& pin, std::size_t key_size, std::size_t value_size) {
  FileDescriptor map{::bpf_obj_get(pin.c_str())};
  if (!map) return system_error("cannot open the BPF map " + pin, errno);
  return adopt(std::move(map), key_size, value_size);
}

Error RawBpfMap::failed(const char* doing, int error_number) const {
  return system_error("cannot " + std::string{doing} + " BPF map " + name_, error_number);
}

Result<bool> RawBpfMap::lookup(const void* key, void* value) const {
  if (::bpf_map_lookup_elem(fd(), key, value) == 0) return true;
  if (errno == ENOENT) return false;
  return failed("read", errno);
}

Result<void> RawBpfMap::update(const void* key, const void* value) const {
  if (::bpf_map_update_elem(fd(), key, value, BPF_ANY) == 0) return {};
  return failed("write", errno);
}

Result<bool> RawBpfMap::insert(const void* key, const void* value) const {
  if (::bpf_map_update_elem(fd(), key, value, BPF_NOEXIST) == 0) return true;
  if (errno == EEXIST) return false;
  return failed("write", errno);
}

Result<void> RawBpfMap::update_batch(const void* keys, const void* values, std::uint32_t count) const {
  if (count == 0) return {};
  LIBBPF_OPTS(bpf_map_batch_opts, options, .elem_flags = BPF_ANY);
  if (::bpf_map_update_batch(fd(), keys, values, &count, &options) == 0) return {};
  return failed("write", errno);
}

Result<bool> RawBpfMap::erase(const void* key) const {
  if (::bpf_map_delete_elem(fd(), key) == 0) return true;
  if (errno == ENOENT) return false;
  return failed("erase from", errno);
}

Result<bool> RawBpfMap::next_key(const void* after, void* key) const {
  if (::bpf_map_get_next_key(fd(), after, key) == 0) return true;
  if (errno == ENOENT) return false;
  return failed("walk through", errno);
}

std::size_t possible_cpus() {
  static const int count = ::libbpf_num_possible_cpus();
  return count > 0 ? static_cast<std::size_t>(count) : 1;
}

}  // namespace penstock
