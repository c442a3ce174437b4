// [tunnel] and [flow]: how long things may take and be silent.
#include "config/sections.h"

namespace penstock {
namespace {

// Linux takes keepalive times in whole seconds, up to 32767, and up to 127 probes.
constexpr Period kKeepalive{1s, 9h, 1s};

struct CongestionWord {
  Result<Congestion> operator()(const Value& value) const {
    using enum Congestion;
    const auto word = OneOf{{"bbr", "cubic", "reno"}}(value);
    if (!word) return word.error();
    return *word == "bbr" ? kBbr : *word == "cubic" ? kCubic : kReno;
  }
};

}  // namespace

const Fields<TunnelConfig>& tunnel_fields() {
  static const Fields<TunnelConfig> kFields{
      field("ping", &TunnelConfig::ping, Period{10ms, 1h}),
      field("timeout", &TunnelConfig::timeout, Period{20ms, 24h}),
      field("handshake", &TunnelConfig::handshake, Period{100ms, 10min}),
      field("send_queue", &TunnelConfig::send_queue, ByteSize<std::uint32_t>{4U << 10, 16U << 20}),
      field("congestion", &TunnelConfig::congestion, CongestionWord{}),
      field("sustained_rate", &TunnelConfig::sustained_rate, ByteSize<std::uint64_t>{0, 1ULL << 40}),
      field("sustained_after", &TunnelConfig::sustained_after, Period{100ms, 24h}),
      field("sustained_least", &TunnelConfig::sustained_least, ByteSize<std::uint64_t>{0, 1ULL << 40}),
      field("fallback", &TunnelConfig::fallback, Period{100ms, 1min}),
      field("quic_retry", &TunnelConfig::quic_retry, Period{100ms, 24h}),
  };
  return kFields;
}

const Fields<FlowConfig>& flow_fields() {
  static const Fields<FlowConfig> kFields{
      field("dial", &FlowConfig::dial, Period{10ms, 10min}),
      field("half_closed", &FlowConfig::half_closed, Period{10ms, 168h}),
      field("keepalive", &FlowConfig::keepalive, kKeepalive),
      field("keepalive_interval", &FlowConfig::keepalive_interval, kKeepalive),
      field("keepalive_probes", &FlowConfig::keepalive_probes, Number<int>{1, 127}),
      field("hold", &FlowConfig::hold, Period{0s, 10min}),
      field("unreplied", &FlowConfig::unreplied, Period{1s, 10min}),
      field("quarantine", &FlowConfig::quarantine, Period{0s, 1h}),
  };
  return kFields;
}

}  // namespace penstock
