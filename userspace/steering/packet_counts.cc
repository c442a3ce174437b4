#include "steering/packet_counts.h"

#include <array>
#include <numeric>
#include <string>
#include <vector>

namespace penstock {

std::string_view PacketCounts::name_of(pst_program program) {
  switch (program) {
    case PST_PROGRAM_EDGE:
      return "edge_xdp";
    case PST_PROGRAM_STEER_OUT:
      return "steer_out_xdp";
    case PST_PROGRAM_STEER_IN:
      return "steer_in_xdp";
    case PST_PROGRAM_SK_LOOKUP:
      return "sk_lookup";
    case PST_PROGRAM_EDGE_TC:
      return "edge_tc";
    case PST_PROGRAM_HUB_TC:
      return "hub_tc";
    case PST_PROGRAM_LEAVE_TC:
      return "leave_tc";
    case PST_PROGRAMS:
      break;
  }
  return "unknown";
}

Result<PacketCount> PacketCounts::sum(const RawBpfMap& map, std::uint32_t index) const {
  std::vector<pst_count> of_cpus(possible_cpus());
  const auto found = map.lookup(&index, of_cpus.data());
  if (!found) return found.error();
  PacketCount sum;
  if (!*found) return sum;
  for (const pst_count& count : of_cpus) {
    sum.packets += count.packets;
    sum.bytes += count.bytes;
  }
  return sum;
}

Result<PacketCount> PacketCounts::of(pst_program program, Reason reason) const {
  return sum(counters_, static_cast<std::uint32_t>(program) * PST_R_MAX + static_cast<std::uint32_t>(reason));
}

Result<std::vector<PacketCounts::Row>> PacketCounts::rows() const {
  std::vector<Row> out;
  for (std::uint32_t program = 0; program < PST_PROGRAMS; ++program) {
    for (const ReasonInfo& info : kReasons) {
      const auto count = of(static_cast<pst_program>(program), info.reason);
      if (!count) return count.error();
      if (count->packets != 0) out.push_back({static_cast<pst_program>(program), info.reason, *count});
    }
  }
  return out;
}

bool PacketCounts::is_of_datagrams(Reason reason) {
  const auto number = static_cast<std::uint32_t>(reason);
  return number >= PST_SERVICE_REASON_FIRST && number < PST_SERVICE_REASON_FIRST + PST_SERVICE_REASONS;
}

std::uint64_t PacketCounts::dropped_in_all(Reason reason) const {
  std::uint64_t sum = 0;
  for (std::uint32_t program = 0; program < PST_PROGRAMS && is_of_datagrams(reason); ++program) {
    if (const auto count = of(static_cast<pst_program>(program), reason)) sum += count->packets;
  }
  return sum;
}

Result<void> PacketCounts::begin_service(std::uint16_t service) const {
  std::array<std::uint32_t, PST_SERVICE_REASONS> indices{};
  std::iota(indices.begin(), indices.end(), service * PST_SERVICE_REASONS);
  const std::vector<pst_count> zero(indices.size() * possible_cpus());
  return service_drops_.update_batch(indices.data(), zero.data(), PST_SERVICE_REASONS);
}

Result<PacketCount> PacketCounts::dropped(std::uint16_t service, Reason reason) const {
  const auto number = static_cast<std::uint32_t>(reason);
  if (service >= PST_SERVICES || !is_of_datagrams(reason))
    return error(Errc::kInvalid,
                 "drops are not counted by service for the reason " + std::string{label_of(reason)});
  return sum(service_drops_, service * PST_SERVICE_REASONS + (number - PST_SERVICE_REASON_FIRST));
}

}  // namespace penstock
