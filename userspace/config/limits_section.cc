// [limits]: what bounds the use of the node.
#include "config/sections.h"

namespace penstock {
namespace {

constexpr std::uint32_t kMostFlows = 1'000'000;
constexpr Number<std::uint32_t> kCount{1, kMostFlows};
constexpr Number<std::uint32_t> kSessions{1, 1U << 20};  // as many as there are ids
constexpr Number<std::uint32_t> kBackendSockets{1, 1U << 16};

}  // namespace

const Fields<LimitsConfig>& limits_fields() {
  static const Fields<LimitsConfig> kFields{
      field("flows", &LimitsConfig::flows, kCount),
      reloadable(field("flows_per_source", &LimitsConfig::flows_per_source, kCount)),
      field("sessions", &LimitsConfig::sessions, kSessions),
      reloadable(field("sessions_per_source", &LimitsConfig::sessions_per_source, kSessions)),
      field("source_prefix_v4", &LimitsConfig::source_prefix_v4, Number<int>{1, 32}),
      field("source_prefix_v6", &LimitsConfig::source_prefix_v6, Number<int>{1, 128}),
      reloadable(field("handshakes", &LimitsConfig::handshakes, Number<std::uint32_t>{1, 65536})),
      reloadable(field("handshakes_per_source", &LimitsConfig::handshakes_per_source,
                       Number<std::uint32_t>{1, 65536})),
      reloadable(field("auth_failures_per_minute", &LimitsConfig::auth_failures_per_minute,
                       Number<std::uint32_t>{1, 10000})),
      field("window_budget", &LimitsConfig::window_budget, ByteSize<std::uint64_t>{1ULL << 20, 1ULL << 40}),
      field("held_connections", &LimitsConfig::held_connections, Number<std::uint32_t>{0, kMostFlows}),
      field("carriers_per_tunnel", &LimitsConfig::carriers_per_tunnel, Number<std::uint32_t>{1, 1024}),
      field("backend_sockets", &LimitsConfig::backend_sockets, kBackendSockets),
      field("datagram_queue", &LimitsConfig::datagram_queue, ByteSize<std::uint32_t>{128U << 10, 64U << 20}),
  };
  return kFields;
}

}  // namespace penstock
