// What the hub tells about itself.
#include "hub/hub.h"

namespace penstock {
namespace {

/// The state of one range of ports at an edge; a range in several states is cut at their borders.
void add_states(std::vector<PortState>& out, const PortState& of, const PortSet& ok,
                const std::vector<PortFailure>& failed) {
  PortSet left;
  left.add(of.ports);
  const PortSet listening = left.intersection(ok);
  for (const PortRange& range : listening.ranges()) {
    out.push_back(of);
    out.back().ports = range;
    out.back().state = "listening";
  }
  for (const PortFailure& failure : failed) {
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
      const auto guest = guests_.find(state.tunnel->carriers.begin()->second);
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
    const auto* const tunnel = registry_.find(edge.record.id);
    const auto assigned = assigned_.find(edge.record.id);
    for (const auto& [name, service] : catalog_.entries()) {
      if (!service.service->is_for(edge.record.id)) continue;
      for (const PortRange& ports : service.service->ports.ranges()) {
        PortState state{
            .edge = edge.record.id, .service = name, .ports = ports, .state = "offline", .message = {}};
        if (tunnel == nullptr) {
          out.push_back(state);
        } else if (tunnel->legacy) {
          state.state = "listening";
          state.message = "assigned; an edge of the published protocol does not report";
          out.push_back(state);
        } else if (assigned == assigned_.end() ||
                   assigned->second.result.generation < assigned->second.generation) {
          state.state = "pending";
          out.push_back(state);
        } else {
          add_states(out, state, assigned->second.result.ok, assigned->second.result.failed);
        }
      }
    }
  }
  return out;
}

}  // namespace penstock
