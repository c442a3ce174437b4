#include "penstockctl/service_options.h"

#include <array>
#include <boost/json/array.hpp>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"

namespace penstock::ctl {
namespace {

namespace json = boost::json;

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> out;
  for (;;) {
    const auto comma = text.find(',');
    out.push_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return out;
    text.remove_prefix(comma + 1);
  }
}

Result<json::value> as_ports(std::string_view text) {
  const auto ports = parse_port_list(text);
  if (!ports) return ports.error();
  json::array out;
  for (const PortRange& range : ports->ranges()) {
    if (range.size() == 1) {
      out.emplace_back(range.first);
    } else {
      out.emplace_back(range.to_string());
    }
  }
  return json::value(std::move(out));
}

Result<json::value> as_list(std::string_view text) {
  json::array out;
  for (const auto piece : split(text)) out.emplace_back(piece);
  return json::value(std::move(out));
}

Result<json::value> as_text(std::string_view text) {
  return json::value(text);
}

Result<json::value> as_number(std::string_view text) {
  const auto number = parse_number<std::uint32_t>(text);
  if (!number) return error(Errc::kInvalid, "'" + printable(text, 32) + "' is not a whole number");
  return json::value(*number);
}

struct ServiceOption {
  std::string_view option;
  std::string_view key;
  Result<json::value> (*read)(std::string_view text);
};

constexpr std::array kServiceMembers{
    ServiceOption{"ports", "ports", as_ports},
    ServiceOption{"protocol", "protocol", as_text},
    ServiceOption{"target", "target", as_text},
    ServiceOption{"client", "client", as_text},
    ServiceOption{"proxy-v2", "proxy_v2", as_text},
    ServiceOption{"way", "way", as_text},
    ServiceOption{"edges", "edges", as_list},
    ServiceOption{"max-flows", "max_flows", as_number},
    ServiceOption{"max-flows-per-source", "max_flows_per_source", as_number},
    ServiceOption{"idle", "idle", as_text},
    ServiceOption{"udp-idle", "udp_idle", as_text},
};

}  // namespace

Result<json::object> service_from_options(const OptionValues& options) {
  json::object out;
  for (const ServiceOption& each : kServiceMembers) {
    const auto given = options.find(each.option);
    if (given == options.end()) continue;
    auto value = each.read(given->second);
    if (!value) return std::move(value).error().within("--" + std::string{each.option});
    out.emplace(each.key, *std::move(value));
  }
  return out;
}

Result<PortSet> parse_port_list(std::string_view text) {
  PortSet out;
  for (const auto piece : split(text)) {
    const auto range = PortRange::parse(piece);
    if (!range) return range.error();
    out.add(*range);
  }
  return out;
}

}  // namespace penstock::ctl
