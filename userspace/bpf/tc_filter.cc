#include "bpf/tc_filter.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <vector>

#include "base/file_descriptor.h"
#include "bpf/library_words.h"

namespace penstock {
namespace {

// Our place among the filters of an interface, early: what the guard drops need not be looked at by others.
constexpr __u32 kPriority = 50;
constexpr __u32 kHandle = 0x505354;
constexpr __u32 kMostMaps = 64;  // of a program that may be ours

bpf_tc_hook hook_of(std::uint32_t interface, bpf_tc_attach_point point = BPF_TC_INGRESS) {
  LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = static_cast<int>(interface), .attach_point = point);
  return hook;
}

/// The id of the program in our place; nothing when there is none.
std::optional<__u32> program_there(std::uint32_t interface) {
  const bpf_tc_hook hook = hook_of(interface);
  LIBBPF_OPTS(bpf_tc_opts, there, .handle = kHandle, .priority = kPriority);
  if (::bpf_tc_query(&hook, &there) != 0) return std::nullopt;
  return there.prog_id;
}

std::optional<__u32> id_of_map(const std::string& pin) {
  const FileDescriptor map{::bpf_obj_get(pin.c_str())};
  bpf_map_info info{};
  __u32 length = sizeof info;
  if (!map || ::bpf_obj_get_info_by_fd(map.get(), &info, &length) != 0) return std::nullopt;
  return info.id;
}

bool uses_map(__u32 program, const std::string& pin) {
  const FileDescriptor loaded{::bpf_prog_get_fd_by_id(program)};
  const auto map = id_of_map(pin);
  std::vector<__u32> maps(kMostMaps);
  bpf_prog_info info{};
  info.nr_map_ids = kMostMaps;
  info.map_ids = reinterpret_cast<__u64>(maps.data());
  __u32 length = sizeof info;
  if (!map || !loaded || ::bpf_obj_get_info_by_fd(loaded.get(), &info, &length) != 0) return false;
  maps.resize(std::min(info.nr_map_ids, kMostMaps));
  return std::find(maps.begin(), maps.end(), *map) != maps.end();
}

}  // namespace

Result<void> attach_tc(int program, std::uint32_t interface, const std::string& map) {
  const LibraryWords words;  // what the kernel refuses here is often expected
  const auto there = program_there(interface);
  if (there && !uses_map(*there, map))
    return error(Errc::kExists, "another program's TC filter has priority " + std::to_string(kPriority));
  const bpf_tc_hook hook = hook_of(interface);
  LIBBPF_OPTS(bpf_tc_opts, filter, .prog_fd = program, .flags = there ? __u32{BPF_TC_F_REPLACE} : 0U,
              .handle = kHandle, .priority = kPriority);
  const int failed = ::bpf_tc_attach(&hook, &filter);
  if (failed == 0) return {};
  return system_error("cannot attach a TC filter", -failed);
}

Result<bool> detach_tc(std::uint32_t interface, const std::string& map) {
  const LibraryWords words;
  const auto there = program_there(interface);
  if (!there || !uses_map(*there, map)) return false;
  const bpf_tc_hook hook = hook_of(interface);
  LIBBPF_OPTS(bpf_tc_opts, filter, .handle = kHandle, .priority = kPriority);
  const int failed = ::bpf_tc_detach(&hook, &filter);
  if (failed == 0) return true;
  return system_error("cannot take a TC filter away", -failed);
}

Result<bool> make_clsact(std::uint32_t interface) {
  const LibraryWords words;
  bpf_tc_hook hook = hook_of(interface);
  const int failed = ::bpf_tc_hook_create(&hook);
  if (failed == 0 || failed == -EEXIST) return failed == 0;
  return system_error("cannot make a clsact qdisc", -failed);
}

Result<void> remove_clsact(std::uint32_t interface) {
  const LibraryWords words;
  bpf_tc_hook hook = hook_of(interface, static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS));
  const int failed = ::bpf_tc_hook_destroy(&hook);
  if (failed == 0 || failed == -ENOENT) return {};
  return system_error("cannot take a clsact qdisc away", -failed);
}

}  // namespace penstock
