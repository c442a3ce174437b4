// Which hub an edge dials, who the edge is there, and how it knows the hub.
#pragma once

#include <memory>
#include <string>

#include "base/address.h"
#include "config/config.h"
#include "net/tls_context.h"
#include "quic/quic_tls.h"

namespace penstock {

struct HubAddress {
  HostPort hub;
  std::string edge_id;
  std::string secret;
  std::string server_name;  // asked for in TLS, and checked where a CA is configured
  std::unique_ptr<TlsContext> context;
  std::unique_ptr<QuicTls> quic;  // with the same trust
};

/// From the token, or from the single keys; reads the files they name. Refused when nothing says how to know
/// the hub.
Result<HubAddress> load_hub_address(const EdgeConfig& config);

}  // namespace penstock
