// The verbs of the admin API: each changes one thing and answers with what it changed.
#include <algorithm>
#include <boost/json/value_from.hpp>

#include "admin/body.h"
#include "node/node.h"
#include "tunnel/gather.h"

namespace penstock {
namespace {

namespace json = boost::json;

/// The text of that key, or "" where it is absent.
Result<std::string> text_of(const json::object& body, std::string_view key) {
  auto text = optional_text(body, key);
  if (!text) return text.error();
  return text->value_or("");
}

/// Calls the handler if this node is a hub.
template <class Handler>
Router::Handler for_hub(Node& node, Handler handler) {
  return [&node, handler](const AdminRequest& request, AdminReply reply) {
    if (node.hub() == nullptr) return reply.error(404, "this node is no hub: run this command at the hub");
    handler(*node.hub(), request, std::move(reply));
  };
}

// ---------------------------------------------------------------------------------------------- edges

void add_edge(Hub& hub, const AdminRequest& request, AdminReply reply) {
  const auto body = parse_body(request, {"id", "hub", "secret"});
  if (!body) return reply.error(body.error());
  const auto id = required_text(*body, "id");
  const auto address = text_of(*body, "hub");
  const auto secret = text_of(*body, "secret");
  for (const auto* const part : {&id, &address, &secret}) {
    if (!*part) return reply.error(part->error());
  }
  const auto token = hub.add_edge(*id, *address, *secret);
  if (!token) return reply.error(token.error());
  reply.json(json::object{{"id", *id}, {"token", *token}}, 201);
}

void rotate_edge(Hub& hub, const AdminRequest& request, AdminReply reply) {
  const auto body = parse_body(request, {"hub"});
  if (!body) return reply.error(body.error());
  const auto address = text_of(*body, "hub");
  if (!address) return reply.error(address.error());
  const auto token = hub.rotate_edge(request.parameter("id"), *address);
  if (!token) return reply.error(token.error());
  reply.json(json::object{{"id", request.parameter("id")}, {"token", *token}});
}

/// Counts the flows that match before the change cuts them, then changes and answers with the count.
template <class Matches, class Change>
void count_and_change(Node& node, AdminReply reply, json::object answer, Matches matches, Change change) {
  const auto held = std::make_shared<AdminReply>(std::move(reply));
  gather<FlowSummary>(
      node.control(), *node.hub(), [](HubWorker& worker) { return worker.flows(); },
      [held, answer = std::move(answer), matches, change](const std::vector<FlowSummary>& flows) mutable {
        const Result<void> changed = change();
        if (!changed) return held->error(changed.error());
        answer["flows_closed"] = std::count_if(flows.begin(), flows.end(), matches);
        held->json(answer);
      });
}

void remove_edge(Node& node, const AdminRequest& request, AdminReply reply) {
  const std::string& id = request.parameter("id");
  count_and_change(
      node, std::move(reply), {{"id", id}}, [id](const FlowSummary& flow) { return flow.edge == id; },
      [&node, id] { return node.hub()->remove_edge(id); });
}

// ---------------------------------------------------------------------------------------------- services

void answer_with(Hub& hub, const std::string& name, const Result<void>& done, unsigned status,
                 AdminReply reply) {
  if (!done) return reply.error(done.error());
  reply.json_text(service_to_json(*hub.services().find(name)->service), status);
}

void add_service(Hub& hub, const AdminRequest& request, AdminReply reply) {
  const auto service = service_from_json(request.body);
  if (!service) return reply.error(service.error());
  answer_with(hub, service->name, hub.add_service(*service), 201, std::move(reply));
}

void change_service(Hub& hub, const AdminRequest& request, AdminReply reply) {
  const auto service = service_from_json(request.body);
  if (!service) return reply.error(service.error());
  if (service->name != request.parameter("name"))
    return reply.error(400, "name: a service cannot be renamed");
  answer_with(hub, service->name, hub.change_service(*service), 200, std::move(reply));
}

void remove_service(Node& node, const AdminRequest& request, AdminReply reply) {
  const std::string& name = request.parameter("name");
  count_and_change(
      node, std::move(reply), {{"name", name}},
      [name](const FlowSummary& flow) { return flow.flow.service == name; },
      [&node, name] { return node.hub()->remove_service(name); });
}

/// "80,8000-8100" as ranges; empty text is none.
Result<std::vector<PortRange>> ports_of(const std::string& text) {
  std::vector<PortRange> out;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto comma = std::min(text.find(',', begin), text.size());
    const auto range = PortRange::parse(std::string_view{text}.substr(begin, comma - begin));
    if (!range) return range.error();
    out.push_back(*range);
    begin = comma + 1;
  }
  return out;
}

void change_ports(Hub& hub, const AdminRequest& request, AdminReply reply) {
  const auto body = parse_body(request, {"add", "remove"});
  if (!body) return reply.error(body.error());
  const auto add_text = text_of(*body, "add");
  const auto remove_text = text_of(*body, "remove");
  if (!add_text) return reply.error(add_text.error());
  if (!remove_text) return reply.error(remove_text.error());
  const auto add = ports_of(*add_text);
  const auto remove = ports_of(*remove_text);
  if (!add) return reply.error(add.error());
  if (!remove) return reply.error(remove.error());
  const std::string& name = request.parameter("name");
  const auto* const entry = hub.services().find(name);
  if (entry == nullptr) return reply.error(404, "there is no service '" + name + "'");
  Service service = *entry->service;
  for (const PortRange& range : *add) service.ports.add(range);
  for (const PortRange& range : *remove) service.ports.remove(range);
  if (service.ports.empty()) {
    return reply.error(
        400,
        "service '" + name + "' would have no port left: remove it with penstockctl services remove " + name);
  }
  answer_with(hub, name, hub.change_service(service), 200, std::move(reply));
}

void drain_service(Hub& hub, const AdminRequest& request, AdminReply reply) {
  const auto body = parse_body(request, {"on"});
  if (!body) return reply.error(body.error());
  const auto on = required_bool(*body, "on");
  if (!on) return reply.error(on.error());
  const std::string& name = request.parameter("name");
  answer_with(hub, name, hub.drain_service(name, *on), 200, std::move(reply));
}

// ---------------------------------------------------------------------------------------------- node

void reload(Node& node, AdminReply reply) {
  const auto reloaded = node.reload();
  if (!reloaded) return reply.error(reloaded.error());
  reply.json(json::object{{"changed", json::value_from(reloaded->changed)},
                          {"restart_needed", json::value_from(reloaded->restart_needed)}});
}

void set_log_level(Node& node, const AdminRequest& request, AdminReply reply) {
  const auto body = parse_body(request, {"level"});
  if (!body) return reply.error(body.error());
  const auto level = required_text(*body, "level");
  if (!level) return reply.error(level.error());
  const auto set = node.set_log_level(*level);
  if (!set) return reply.error(set.error());
  reply.json(json::object{{"level", node.log_level()}});
}

}  // namespace

void add_verbs(Router& router, Node& node) {
  router.add("POST", "/v1/edges", for_hub(node, add_edge));
  router.add("POST", "/v1/edges/{id}/rotate", for_hub(node, rotate_edge));
  router.add("DELETE", "/v1/edges/{id}",
             for_hub(node, [&node](Hub&, const AdminRequest& request, AdminReply reply) {
               remove_edge(node, request, std::move(reply));
             }));
  router.add("POST", "/v1/services", for_hub(node, add_service));
  router.add("PUT", "/v1/services/{name}", for_hub(node, change_service));
  router.add("DELETE", "/v1/services/{name}",
             for_hub(node, [&node](Hub&, const AdminRequest& request, AdminReply reply) {
               remove_service(node, request, std::move(reply));
             }));
  router.add("POST", "/v1/services/{name}/ports", for_hub(node, change_ports));
  router.add("POST", "/v1/services/{name}/drain", for_hub(node, drain_service));
  router.add("POST", "/v1/reload",
             [&node](const AdminRequest&, AdminReply reply) { reload(node, std::move(reply)); });
  router.add("PUT", "/v1/log-level", [&node](const AdminRequest& request, AdminReply reply) {
    set_log_level(node, request, std::move(reply));
  });
  router.add("POST", "/v1/drain", [&node](const AdminRequest&, AdminReply reply) {
    node.drain();
    reply.json(json::object{{"draining", true}});
  });
}

}  // namespace penstock
