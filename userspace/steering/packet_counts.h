// What the kernel programs did with packets, by program and reason, and dropped of each service's.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/reason.h"
#include "bpf/bpf_map.h"
#include "penstock/abi/settings.h"

namespace penstock {

struct PacketCount {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
};

/// Reads the maps of counters, each one system call. Any thread.
class PacketCounts {
 public:
  PacketCounts(RawBpfMap counters, RawBpfMap service_drops)
      : counters_{std::move(counters)}, service_drops_{std::move(service_drops)} {}

  static std::string_view name_of(pst_program program);  // "edge_xdp", ...
  Result<PacketCount> of(pst_program program, Reason reason) const;
  struct Row {
    pst_program program;
    Reason reason;
    PacketCount count;
  };
  /// All that is not zero.
  Result<std::vector<Row>> rows() const;
  /// Whether packets are dropped for that reason, and so counted by service too.
  static bool is_of_datagrams(Reason reason);
  /// By all programs; 0 for other reasons.
  std::uint64_t dropped_in_all(Reason reason) const;
  /// The counts of a service's number begin anew: in the process before, it was another's.
  Result<void> begin_service(std::uint16_t service) const;
  /// What the guard dropped of a service's datagrams; reasons of datagrams only.
  Result<PacketCount> dropped(std::uint16_t service, Reason reason) const;

 private:
  Result<PacketCount> sum(const RawBpfMap& map, std::uint32_t index) const;

  RawBpfMap counters_;
  RawBpfMap service_drops_;
};

}  // namespace penstock
