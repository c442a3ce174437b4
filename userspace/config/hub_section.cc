// [hub] and [[hub.edges]]: the role that takes tunnels and reaches backends.
#include "config/sections.h"

namespace penstock {
namespace {

constexpr std::size_t kMostListeners = 64;
constexpr Parsed<Endpoint> kListener{&Endpoint::parse,
                                     "ADDRESS:PORT, such as \"0.0.0.0:8443\" or \"[::]:8443\""};
constexpr Parsed<HostPort> kPublicName{&HostPort::parse,
                                       "HOST:PORT as edges reach it, such as \"hub.example.net:8443\""};

}  // namespace

HubConfig default_hub() {
  HubConfig hub;
  hub.listen = {Endpoint{IpAddress{}, 8443}};
  return hub;
}

const Fields<HubConfig>& hub_fields() {
  static const Fields<HubConfig> kFields{
      field("listen", &HubConfig::listen, ListOf{kListener, 1, kMostListeners}),
      reloadable(field("public", &HubConfig::public_address, Maybe{kPublicName})),
      field("certificate", &HubConfig::certificate, kFilePath),
      field("key", &HubConfig::key, kFilePath),
      field("quic", &HubConfig::quic, Flag{}),
  };
  return kFields;
}

const Fields<DeclaredEdge>& declared_edge_fields() {
  static const Fields<DeclaredEdge> kFields{
      required(field("id", &DeclaredEdge::id, EdgeId{})),
      required(field("secret_file", &DeclaredEdge::secret_file, Text{1, 4000, "the path of a file"})),
  };
  return kFields;
}

}  // namespace penstock
