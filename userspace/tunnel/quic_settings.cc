#include "tunnel/quic_settings.h"

#include <penstock/wire/frame.h>

namespace penstock {
namespace {

QuicCongestion congestion_of(Congestion wanted) {
  switch (wanted) {
    case Congestion::kBbr:
      return QuicCongestion::kBbr;
    case Congestion::kCubic:
      return QuicCongestion::kCubic;
    case Congestion::kReno:
      return QuicCongestion::kReno;
  }
  return QuicCongestion::kBbr;
}

}  // namespace

QuicSettings quic_settings(const TunnelConfig& config, std::uint64_t streams) {
  return {.handshake = config.handshake,
          .idle = config.timeout,
          .keep_alive = config.ping,
          .streams = streams + 1,
          .first_streams = 1,
          .stream_window = wire::kInitialCredit,
          .congestion = congestion_of(config.congestion)};
}

}  // namespace penstock
