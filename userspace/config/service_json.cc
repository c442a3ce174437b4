// Services as JSON. The same fields read it that read the file.
#include <boost/json.hpp>

#include "config/duration.h"
#include "config/sections.h"

namespace penstock {
namespace {

namespace json = boost::json;

Value convert(const json::value& from) {
  Value value{Value::Other{"null"}, {}};
  switch (from.kind()) {
    case json::kind::bool_:
      value.data = from.get_bool();
      break;
    case json::kind::int64:
      value.data = from.get_int64();
      break;
    case json::kind::uint64:
      value.data = Value::Other{"so large a number"};
      break;
    case json::kind::double_:
      value.data = Value::Other{"a number with a fraction"};
      break;
    case json::kind::string:
      value.data = std::string{std::string_view{from.get_string()}};
      break;
    case json::kind::null:
      break;
    case json::kind::array: {
      Value::List list;
      for (const json::value& element : from.get_array()) list.push_back(convert(element));
      value.data = std::move(list);
      break;
    }
    case json::kind::object: {
      Value::Table table;
      for (const auto& [key, member] : from.get_object())
        table.push_back({std::string{std::string_view{key}}, convert(member)});
      value.data = std::move(table);
      break;
    }
  }
  return value;
}

const Fields<Service>& json_fields() {
  static const Fields<Service> kFields = [] {
    Fields<Service> fields = service_fields();
    fields.push_back(field("draining", &Service::draining, Flag{}));
    return fields;
  }();
  return kFields;
}

json::array ports_as_json(const PortSet& ports) {
  json::array out;
  for (const PortRange& range : ports.ranges()) {
    if (range.first == range.last) {
      out.emplace_back(range.first);
    } else {
      out.emplace_back(range.to_string());
    }
  }
  return out;
}

}  // namespace

std::string service_to_json(const Service& service) {
  return json::serialize(json::object{
      {"name", service.name},
      {"protocol", to_string(service.protocol)},
      {"ports", ports_as_json(service.ports)},
      {"edges", json::array(service.edges.begin(), service.edges.end())},
      {"target", service.target.to_string()},
      {"client", to_string(service.client)},
      {"proxy_v2", to_string(service.proxy_v2)},
      {"way", to_string(service.way)},
      {"max_flows", service.max_flows},
      {"max_flows_per_source", service.max_flows_per_source},
      {"idle", format_duration(service.idle)},
      {"udp_idle", format_duration(service.udp_idle)},
      {"draining", service.draining},
  });
}

Result<Service> service_from_json(std::string_view text) {
  boost::system::error_code failed;
  const json::value parsed = json::parse(text, failed);
  if (failed) return error(Errc::kInvalid, "the service is not JSON: " + failed.message());
  const Value value = convert(parsed);
  if (value.table() == nullptr) return unfit(value, "a service as a JSON object");
  Service service;
  Places places;
  Problems problems{""};
  read_fields(value, json_fields(), {}, {}, service, places, problems);
  if (problems.empty()) {
    for (const Contradiction& one : find_contradictions(service)) problems.add({}, one.key, one.what);
  }
  if (!problems.empty()) return problems.to_error();
  return service;
}

}  // namespace penstock
