// What the hub tells about itself.
#include "hub/hub.h"

namespace penstock {
namespace {

/// The state of one range of ports at an edge; a range in several states is cut at their borders.
void add_states(std::vector<PortState>& out, const PortState& of, const ConfigResultMessage& told) {
  const bool udp = of.protocol == Protocol::kUdp;
  PortSet left;
  left.add(of.ports);
  const PortSet listening = left.intersection(udp ? told.udp_ok : told.ok);
  for (const PortRange& range : listening.ranges()) {
    out.push_back(of);
    out.back().ports = range;
    out.back().state = "listening";
  }
  for (const PortFailure& failure : told.failed) {
    if (failure.udp != udp) continue;
    PortSet one;
    one.add(failure.ports);
    const PortSet hit = left.intersection(one);
    for (const PortRange& range : hit.ranges()) {
      out.push_back(of);
      out.back().ports = range;
      out.back().state = "failed";
      out.back().reason = failure.reason;
      out.back().message = failure.message;
      left.remove(range);
    }
  }
  const PortSet pending = left.difference(listening);
  for (const PortRange& range : pending.ranges()) {
    out.push_back(of);
    out.back().ports = range;
    out.back().state = "pending";
  }
}

}  // namespace

std::vector<EdgeState> Hub::edges() const {
  std::vector<EdgeState> out;
  for (EdgeDirectory::Entry& entry : directory_.list()) {
    EdgeState state;
    state.tunnel = registry_.find(entry.record.id);
    if (state.tunnel != nullptr) {
      const auto guest = guests_.find(state.tunnel->carriers.begin()->second.number);
      if (guest != guests_.end()) state.address = guest->second.peer.to_string();
    }
    const auto assigned = assigned_.find(entry.record.id);
    if (assigned != assigned_.end()) {
      for (const PortFailure& failure : assigned->second.result.failed)
        state.ports_failed += failure.ports.size();
    }
    state.entry = std::move(entry);
    out.push_back(std::move(state));
  }
  return out;
}

std::vector<PortState> Hub::ports() const {
  std::vector<PortState> out;
  for (const EdgeDirectory::Entry& edge : directory_.list()) {
    for (const auto& [name, service] : catalog_.entries()) {
      if (!service.service->is_for(edge.record.id)) continue;
      PortState state{.edge = edge.record.id, .service = name, .ports = {}, .state = {}, .message = {}};
      if (service.service->has_tcp()) add_ports(out, state, service.service->ports);
      state.protocol = Protocol::kUdp;
      if (service.service->has_udp()) add_ports(out, state, service.service->ports);
    }
  }
  return out;
}

/// The states of a service's ports of one protocol at one edge.
void Hub::add_ports(std::vector<PortState>& out, PortState of, const PortSet& ports) const {
  const auto* const tunnel = registry_.find(of.edge);
  const auto assigned = assigned_.find(of.edge);
  const bool legacy = tunnel != nullptr && tunnel->legacy;
  const bool reported = tunnel != nullptr && !legacy && assigned != assigned_.end() &&
                        assigned->second.result.generation >= assigned->second.generation;
  of.state = tunnel == nullptr ? "offline" : legacy ? "listening" : "pending";
  if (legacy) of.message = "assigned; an edge of the published protocol does not report";
  for (const PortRange& range : ports.ranges()) {
    of.ports = range;
    if (reported) {
      add_states(out, of, assigned->second.result);
    } else {
      out.push_back(of);
    }
  }
}

}  // namespace penstock
