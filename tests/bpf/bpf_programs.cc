// Loading the programs, and running one on a packet.
#include "bpf/bpf_programs.h"

#include <bpf/bpf.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "edge_tc.skel.h"
#include "edge_xdp.skel.h"
#include "hub_tc.skel.h"
#include "leave_tc.skel.h"
#include "sk_lookup.skel.h"
#include "steer_back_xdp.skel.h"
#include "steer_in_xdp.skel.h"
#include "steer_out_xdp.skel.h"

namespace penstock {
namespace {

constexpr std::size_t kLongestPacket = 65'536 + 64;
constexpr std::size_t kLogSize = 64 * 1024;
constexpr std::uint32_t kStatisticsOnly = 4;  // log level

[[noreturn]] void program_died(const std::string& name, const char* what) {
  std::fprintf(stderr, "program %s: %s (these tests need root)\n", name.c_str(), what);
  std::abort();
}

}  // namespace

BpfPrograms& BpfPrograms::loaded() {
  static BpfPrograms programs;
  return programs;
}

BpfPrograms::BpfPrograms() {
  libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
  std::size_t size = 0;
  const void* elf = edge_xdp__elf_bytes(&size);
  load("edge_xdp", elf, size);
  for (const char* name : {"steer_out_xdp", "lane_out_xdp"}) {
    elf = steer_out_xdp__elf_bytes(&size);
    load(name, elf, size);
  }
  elf = steer_in_xdp__elf_bytes(&size);
  load("steer_in_xdp", elf, size);
  elf = steer_back_xdp__elf_bytes(&size);
  load("steer_back_xdp", elf, size);
  elf = sk_lookup__elf_bytes(&size);
  load("pst_sk_lookup", elf, size);
  for (const char* name : {"edge_tc", "edge_tc_bare"}) {
    elf = edge_tc__elf_bytes(&size);
    load(name, elf, size);
  }
  for (const char* name : {"hub_tc", "hub_tc_bare"}) {
    elf = hub_tc__elf_bytes(&size);
    load(name, elf, size);
  }
  elf = leave_tc__elf_bytes(&size);
  load("leave_tc", elf, size);
}

void BpfPrograms::share_maps(bpf_object* object) {
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object) {
    const auto known = maps_.find(bpf_map__name(map));
    if (bpf_map__set_pin_path(map, nullptr) != 0) program_died(bpf_map__name(map), "cannot be left unpinned");
    if (known != maps_.end() && bpf_map__reuse_fd(map, known->second.descriptor()) != 0)
      program_died(bpf_map__name(map), "is not the same map in all programs");
  }
}

void BpfPrograms::load(const std::string& name, const void* elf, std::size_t size) {
  LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = name.c_str());
  std::unique_ptr<bpf_object, Close> object{bpf_object__open_mem(elf, size, &options)};
  if (!object) program_died(name, std::strerror(errno));
  share_maps(object.get());
  bpf_program* program = bpf_object__find_program_by_name(object.get(), name.c_str());
  if (program == nullptr) program_died(name, "is not in its object");
  std::vector<char> log(kLogSize);
  bpf_program__set_log_level(program, kStatisticsOnly);
  bpf_program__set_log_buf(program, log.data(), log.size());
  if (bpf_object__load(object.get()) != 0) program_died(name, log.data());
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object.get()) maps_.try_emplace(bpf_map__name(map), map);
  programs_[name] = bpf_program__fd(program);
  statistics_[name] = log.data();
  objects_.push_back(std::move(object));
}

BpfMap& BpfPrograms::map(const std::string& name) {
  return maps_.at(name);
}

int BpfPrograms::program(const std::string& name) const {
  return programs_.at(name);
}

std::vector<std::string> BpfPrograms::names() const {
  std::vector<std::string> names;
  for (const auto& [name, fd] : programs_) names.push_back(name);
  return names;
}

TestRun BpfPrograms::run(const std::string& name, const Octets& packet, std::uint32_t joined) const {
  TestRun out{.packet = Octets(kLongestPacket)};
  __sk_buff context{};
  context.gso_segs = joined;
  context.gso_size = joined > 0 ? kJoinedBytes : 0;
  LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet.data(), .data_out = out.packet.data(),
              .data_size_in = static_cast<std::uint32_t>(packet.size()),
              .data_size_out = static_cast<std::uint32_t>(out.packet.size()), .repeat = 1);
  if (joined > 0) {
    options.ctx_in = &context;
    options.ctx_size_in = sizeof(context);
  }
  if (bpf_prog_test_run_opts(program(name), &options) != 0) program_died(name, std::strerror(errno));
  out.packet.resize(options.data_size_out);
  out.verdict = static_cast<int>(options.retval);
  return out;
}

void BpfPrograms::clear() {
  for (auto& [name, map] : maps_)
    if (name != "pst_counters" && name != "pst_service_drops") map.clear();
}

}  // namespace penstock
