#include "node/guard_api.h"

#include <boost/json/array.hpp>
#include <boost/json/value_from.hpp>
#include <string>

#include "node/node.h"

namespace penstock {
namespace {

namespace json = boost::json;

void answer(Result<json::object> made, AdminReply reply) {
  if (!made) return reply.error(made.error());
  reply.json(*made);
}

/// Calls the handler if kernel programs steer; it makes the answer.
template <class Handler>
Router::Handler with_plane(Node& node, Handler handler) {
  return [&node, handler](const AdminRequest& request, AdminReply reply) {
    if (node.plane() != nullptr) return answer(handler(*node.plane(), request), std::move(reply));
    reply.error(503, "guard and packets are the kernel programs', and this node steers by sockets: " +
                         node.why_sockets() + ". penstockctl doctor tells what is missing");
  };
}

Error no_guard() {
  return error(Errc::kRefused, "the guard stands in front of an edge's ports, and this node is no edge");
}

}  // namespace

void add_guard(Router& router, Node& node, Journal& journal) {
  router.add("GET", "/v1/guard",
             with_plane(node, [](KernelPlane& plane, const AdminRequest& request) -> Result<json::object> {
               if (plane.guard() == nullptr) return no_guard();
               return guard_json(*plane.guard(), plane.counts(), request);
             }));
  router.add(
      "POST", "/v1/guard",
      with_plane(node, [&journal](KernelPlane& plane, const AdminRequest& request) -> Result<json::object> {
        if (plane.guard() == nullptr) return no_guard();
        return change_guard(*plane.guard(), request, journal);
      }));
  router.add("GET", "/v1/packets", with_plane(node, [](KernelPlane& plane, const AdminRequest&) {
               return packets_json(plane.counts());
             }));
}

json::object steering_status(Node& node) {
  const KernelPlane* const plane = node.plane();
  json::array interfaces;
  json::array complaints;
  json::array links;
  if (plane != nullptr) {
    for (const SteeredInterface& one : plane->interfaces())
      interfaces.push_back(json::object{{"name", one.name}, {"mode", mode_name(one)}});
    for (const std::string& complaint : plane->complaints()) complaints.emplace_back(complaint);
    for (const KernelPlane::LaneLink& one : plane->lane_links())
      links.push_back(json::object{{"device", one.device},
                                   {"in", one.traffic->in.get()},
                                   {"out", one.traffic->out.get()},
                                   {"out_calls", one.traffic->out_calls.get()}});
  }
  return {{"mode", plane == nullptr ? "socket" : "kernel"},
          {"why", plane == nullptr ? node.why_sockets() : std::string{}},
          {"interfaces", std::move(interfaces)},
          {"complaints", std::move(complaints)},
          {"links", std::move(links)},
          {"why_no_links", plane == nullptr ? std::string{} : plane->why_no_links()}};
}

void add_packets(MetricsPage& page, Node& node) {
  if (node.plane() == nullptr) return;
  const auto rows = node.plane()->counts().rows();
  if (!rows) return;  // GET /v1/packets says why
  for (const PacketCounts::Row& row : *rows) {
    page.add(api::kPacketsTotal, {PacketCounts::name_of(row.program), label_of(row.reason)},
             static_cast<double>(row.count.packets));
  }
}

}  // namespace penstock
