// [[service]]: the keys of a service, in the file and in JSON.
#include "config/sections.h"

namespace penstock {
namespace {

constexpr std::size_t kMostEdges = 256;
constexpr std::uint32_t kMostOfService = 1'000'000;
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

/// One of the words, each of which `parse` knows.
template <class T>
struct Word {
  OneOf words;
  std::optional<T> (*parse)(std::string_view);

  Result<T> operator()(const Value& value) const {
    auto word = words(value);
    if (!word) return word.error();
    return *parse(*word);
  }
};
template <class T>
Word(OneOf, std::optional<T> (*)(std::string_view)) -> Word<T>;

}  // namespace

template <>
inline constexpr bool kIsScalar<ServiceEdges> = false;

const Fields<Service>& service_fields() {
  static const Fields<Service> kFields{
      required(field("name", &Service::name, Name{})),
      field("protocol", &Service::protocol, Word{OneOf{{"tcp", "udp", "both"}}, &parse_protocol}),
      required(field("ports", &Service::ports, Ports{.fewest = 1})),
      field("edges", &Service::edges, ServiceEdges{}),
      required(field("target", &Service::target, kTarget)),
      field("client", &Service::client,
            Word{OneOf{{"none", "proxy-v1", "proxy-v2", "transparent"}}, &parse_client_header}),
      field("proxy_v2", &Service::proxy_v2,
            Word{OneOf{{"every", "first", "separate"}}, &parse_proxy_v2_mode}),
      field("way", &Service::way, Word{OneOf{{"tunnel", "direct"}}, &parse_way}),
      field("max_flows", &Service::max_flows, Number<std::uint32_t>{0, kMostOfService}),
      field("max_flows_per_source", &Service::max_flows_per_source, Number<std::uint32_t>{0, kMostOfService}),
      field("idle", &Service::idle, Period{0s, 168h}),
      field("udp_idle", &Service::udp_idle, Period{1s, 24h}),
  };
  return kFields;
}

}  // namespace penstock
