// [steering]: how UDP is taken to the right place.
#include "base/address_prefix.h"
#include "base/text.h"
#include "config/sections.h"

namespace penstock {
namespace {

constexpr std::size_t kMostInterfaces = 64;
constexpr std::size_t kLongestPinPath = 1024;
constexpr std::size_t kLongestInterface = 15;  // IFNAMSIZ without the zero
constexpr int kShortestNetwork = 8;            // larger ones are somebody else's
constexpr int kLongestNetwork = 22;            // smaller ones have too few addresses for local sources

constexpr std::string_view kNetworkWanted =
    "an IPv4 network of /8 to /22 that nobody else uses, such as \"198.18.0.0/15\"";

struct ModeWord {
  Result<SteeringConfig::Mode> operator()(const Value& value) const {
    using enum SteeringConfig::Mode;
    const auto word = OneOf{{"auto", "kernel", "socket"}}(value);
    if (!word) return word.error();
    return *word == "auto" ? kAuto : *word == "kernel" ? kKernel : kSocket;
  }
};

/// A name that Linux takes for an interface.
struct InterfaceName {
  Result<std::string> operator()(const Value& value) const {
    constexpr std::string_view kWanted = "the name of a network interface, such as \"eth0\"";
    auto name = Text{1, kLongestInterface, kWanted}(value);
    if (!name) return name;
    if (*name == "." || *name == ".." || name->find_first_of("/: %") != std::string::npos)
      return unfit(value, kWanted);
    return name;
  }
};

/// A name of ours that one digit makes the name of an interface.
struct DeviceName {
  Result<std::string> operator()(const Value& value) const {
    const std::string* text = text_of(value);
    if (text != nullptr && text->size() < kLongestInterface && is_name(*text)) return *text;
    return unfit(value, "1 to 14 letters, digits, '-', '_' and '.', a letter or digit first");
  }
};

struct AbsolutePath {
  std::string_view wanted;

  Result<std::string> operator()(const Value& value) const {
    auto path = Text{2, kLongestPinPath, wanted}(value);
    if (path && !path->starts_with('/')) return unfit(value, wanted);
    return path;
  }
};

/// The one key that fills two members.
Field<SteeringConfig> network_field() {
  return {
      .key = "network",
      .read = [](const Value& value, SteeringConfig& out) -> Result<void> {
        const auto network = Parsed<AddressPrefix>{&AddressPrefix::parse, kNetworkWanted}(value);
        if (!network) return network.error();
        if (!network->address.is_v4() || network->bits < kShortestNetwork || network->bits > kLongestNetwork)
          return unfit(value, kNetworkWanted);
        out.network = network->address;
        out.network_bits = network->bits;
        return {};
      },
      .same =
          [](const SteeringConfig& a, const SteeringConfig& b) {
            return a.network == b.network && a.network_bits == b.network_bits;
          }};
}

}  // namespace

PortSet default_source_ports() {
  PortSet ports;
  ports.add({10000, 32767});
  ports.add({61000, 65535});
  return ports;
}

const Fields<SteeringConfig>& steering_fields() {
  static const Fields<SteeringConfig> kFields{
      field("mode", &SteeringConfig::mode, ModeWord{}),
      field("interfaces", &SteeringConfig::interfaces, ListOf{InterfaceName{}, 0, kMostInterfaces}),
      field("pins", &SteeringConfig::pins, AbsolutePath{"the absolute path of a folder, beginning with /"}),
      field("device", &SteeringConfig::device, DeviceName{}),
      network_field(),
      field("source_ports", &SteeringConfig::source_ports, Ports{.fewest = 1}),
  };
  return kFields;
}

}  // namespace penstock
