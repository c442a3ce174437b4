// How the tunnel's connections of QUIC are set up.
#pragma once

#include "config/config.h"
#include "quic/quic_endpoint.h"

namespace penstock {

/// `streams`: that the peer may have open at once, the control stream not among them.
QuicSettings quic_settings(const TunnelConfig& config, std::uint64_t streams);

}  // namespace penstock
