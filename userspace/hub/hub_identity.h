// Who the hub is: its key and certificate, and the fingerprint that tokens carry.
#pragma once

#include <memory>
#include <string>

#include "config/config.h"
#include "net/tls_context.h"
#include "quic/quic_tls.h"

namespace penstock {

struct HubIdentity {
  std::unique_ptr<TlsContext> context;
  PublicKeyHash pin{};
  std::unique_ptr<QuicTls> quic;  // with the same certificate
};

/// The operator's own certificate and key; else those kept as hub.crt and hub.key in the state directory;
/// else new ones, which are kept there (the key with mode 0600). A kept key whose certificate is gone gets a
/// new one: the key is what edges have pinned.
Result<HubIdentity> load_hub_identity(const Config& config);

}  // namespace penstock
