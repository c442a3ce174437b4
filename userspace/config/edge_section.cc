// [edge] and [edge.ports]: the role that dials the hub and takes public connections.
#include "config/sections.h"

namespace penstock {
namespace {

constexpr std::size_t kMostPins = 8;
constexpr std::size_t kMostAddresses = 64;
constexpr Parsed<HostPort> kHubName{&HostPort::parse,
                                    "HOST:PORT of the hub, such as \"hub.example.net:8443\""};
constexpr Parsed<IpAddress> kAddress{&IpAddress::parse,
                                     "an IP address of this machine, such as \"192.0.2.1\" or \"::\""};

constexpr std::size_t kMostPrefixes = 256;
constexpr Parsed<AddressPrefix> kPrefix{&AddressPrefix::parse,
                                        "an address or a network, such as \"10.0.0.0/8\""};

struct CarrierWord {
  Result<EdgeConfig::Carrier> operator()(const Value& value) const {
    using enum EdgeConfig::Carrier;
    const auto word = OneOf{{"tls", "quic", "quic-with-fallback"}}(value);
    if (!word) return word.error();
    return *word == "tls" ? kTls : *word == "quic" ? kQuic : kQuicWithFallback;
  }
};

}  // namespace

EdgeConfig default_edge() {
  EdgeConfig edge;
  edge.bind = {IpAddress::v4(0), IpAddress{}};
  edge.ports_allow.add({1, 65535});
  edge.ports_deny.add({22, 22});
  return edge;
}

const Fields<EdgeConfig>& edge_fields() {
  static const Fields<EdgeConfig> kFields{
      field("token_file", &EdgeConfig::token_file, kFilePath),
      field("hub", &EdgeConfig::hub, Maybe{kHubName}),
      field("id", &EdgeConfig::id, EdgeId{}),
      field("secret_file", &EdgeConfig::secret_file, kFilePath),
      field("pins", &EdgeConfig::pins, ListOf{Pin{}, 0, kMostPins}),
      field("ca_file", &EdgeConfig::ca_file, kFilePath),
      field("hub_name", &EdgeConfig::hub_name, Text{0, 255, "the name in the hub's certificate"}),
      field("insecure_accept_any_hub", &EdgeConfig::insecure_accept_any_hub, Flag{}),
      field("carrier", &EdgeConfig::carrier, CarrierWord{}),
      field("carriers", &EdgeConfig::carriers, Number<std::uint32_t>{0, 1024}),
      reloadable(field("bind", &EdgeConfig::bind, ListOf{kAddress, 1, kMostAddresses})),
      reloadable(field("direct_to", &EdgeConfig::direct_to, ListOf{kPrefix, 0, kMostPrefixes})),
  };
  return kFields;
}

const Fields<EdgeConfig>& edge_ports_fields() {
  static const Fields<EdgeConfig> kFields{
      reloadable(field("allow", &EdgeConfig::ports_allow, Ports{.fewest = 1})),
      reloadable(field("deny", &EdgeConfig::ports_deny, Ports{.fewest = 0})),
  };
  return kFields;
}

}  // namespace penstock
