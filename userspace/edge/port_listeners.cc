#include "edge/port_listeners.h"

namespace penstock {

void PortListeners::set_policy(const EdgeConfig& config) {
  if (bind_ != config.bind) close_all();
  bind_ = config.bind;
  allow_ = config.ports_allow;
  deny_ = config.ports_deny;
  assign(PortSet{wanted_});
}

void PortListeners::assign(const PortSet& wanted) {
  wanted_ = wanted;
  const PortSet permitted = this->permitted();
  const PortSet superfluous = open_.difference(permitted);
  for (const PortRange& range : superfluous.ranges()) {
    for (std::uint32_t port = range.first; port <= range.last; ++port)
      close_port(static_cast<std::uint16_t>(port));
  }
  failures_.clear();
  const PortSet denied = wanted_.difference(permitted);
  for (const PortRange& range : denied.ranges()) {
    for (std::uint32_t port = range.first; port <= range.last; ++port) {
      failures_[static_cast<std::uint16_t>(port)] = {PST_R_PORT_DENIED, "edge.ports of this edge forbids it"};
    }
  }
  if (closed_for_good_) return;
  const PortSet missing = permitted.difference(open_);
  for (const PortRange& range : missing.ranges()) {
    for (std::uint32_t number = range.first; number <= range.last; ++number) {
      const auto port = static_cast<std::uint16_t>(number);
      if (auto failure = open_port(port)) failures_[port] = std::move(*failure);
    }
  }
}

std::optional<PortListeners::Failure> PortListeners::open_port(std::uint16_t port) {
  std::vector<std::unique_ptr<Pending>> opened;
  for (const IpAddress& address : bind_) {
    auto listener = open_endpoint_({address, port});
    if (listener) {
      opened.push_back(std::move(*listener));
      continue;
    }
    const auto& code = listener.error().code;
    // A host without IPv6 still serves IPv4 when told to listen on every address.
    if (address.is_any() && code == boost::system::errc::address_family_not_supported) continue;
    const bool taken = code == boost::system::errc::address_in_use;
    return Failure{taken ? PST_R_PORT_IN_USE : PST_R_BIND_FAILED, listener.error().what};
  }
  if (opened.empty()) return Failure{PST_R_BIND_FAILED, "this host has none of the addresses of edge.bind"};
  listeners_[port] = std::move(opened);
  open_.add({port, port});
  return std::nullopt;
}

void PortListeners::close_port(std::uint16_t port) {
  listeners_.erase(port);
  open_.remove({port, port});
}

void PortListeners::close_all() {
  listeners_.clear();
  open_ = {};
}

void PortListeners::close_for_good() {
  closed_for_good_ = true;
  close_all();
}

void PortListeners::reopen() {
  close_all();
  assign(PortSet{wanted_});
}

std::vector<PortFailure> PortListeners::failures() const {
  std::vector<PortFailure> out;
  for (const auto& [port, failure] : failures_) {
    const bool joins =
        !out.empty() && out.back().ports.last + 1 == port && out.back().reason == failure.reason;
    if (joins) {
      out.back().ports.last = port;
    } else {
      out.push_back({.ports = {port, port}, .reason = failure.reason, .message = failure.message});
    }
  }
  return out;
}

}  // namespace penstock
