// [[service]]: the keys of a service, in the file and in JSON.
#include "config/sections.h"

namespace penstock {
namespace {

constexpr std::size_t kMostEdges = 256;
constexpr std::uint32_t kMostFlows = 1'000'000;
constexpr Parsed<Target> kTarget{&Target::parse,
                                 "\"HOST\", \"HOST:PORT\" or \"HOST:PORT+\", an IPv6 address in brackets"};

/// Edge ids, or "*" alone.
struct ServiceEdges {
  Result<std::vector<std::string>> operator()(const Value& value) const {
    const Value::List* list = value.list();
    if (list != nullptr && list->size() == 1) {
      const std::string* only = text_of(list->front());
      if (only != nullptr && *only == "*") return std::vector<std::string>{"*"};
    }
    return ListOf{EdgeId{}, 1, kMostEdges}(value);
  }
};

struct HeaderKind {
  Result<ClientHeader> operator()(const Value& value) const {
    auto word = OneOf{{"none", "proxy-v1", "proxy-v2"}}(value);
    if (!word) return word.error();
    return *parse_client_header(*word);
  }
};

/// The protocol has one value yet, so no member keeps it.
Result<void> read_protocol(const Value& value, Service&) {
  const std::string* text = text_of(value);
  if (text != nullptr && *text == "tcp") return {};
  if (text != nullptr && (*text == "udp" || *text == "both")) {
    return error(Errc::kRefused, "\"" + *text + "\" is not supported by this version: write \"tcp\"");
  }
  return unfit(value, "\"tcp\"");
}

}  // namespace

template <>
inline constexpr bool kIsScalar<ServiceEdges> = false;

const Fields<Service>& service_fields() {
  static const Fields<Service> kFields{
      required(field("name", &Service::name, Name{})),
      {.key = "protocol", .read = read_protocol, .same = [](const Service&, const Service&) { return true; }},
      required(field("ports", &Service::ports, Ports{.fewest = 1})),
      field("edges", &Service::edges, ServiceEdges{}),
      required(field("target", &Service::target, kTarget)),
      field("client", &Service::client, HeaderKind{}),
      field("max_flows", &Service::max_flows, Number<std::uint32_t>{0, kMostFlows}),
      field("max_flows_per_source", &Service::max_flows_per_source, Number<std::uint32_t>{0, kMostFlows}),
      field("idle", &Service::idle, Period{0s, 168h}),
  };
  return kFields;
}

}  // namespace penstock
