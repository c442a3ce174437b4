#include "support/sim_internet.h"

#include "support/sim_connection.h"

namespace penstock {

const SimPath& SimInternet::path_to(const IpAddress& host) const {
  const auto found = paths_.find(host);
  return found == paths_.end() ? path_ : found->second;
}

Result<std::vector<IpAddress>> SimInternet::look_up(const std::string& name) const {
  if (const auto literal = IpAddress::parse(name)) return std::vector{*literal};
  const auto found = names_.find(name);
  if (found == names_.end() || found->second.empty())
    return error(Errc::kNotFound, "there is no host " + name);
  return found->second;
}

void SimInternet::set_silent(const IpAddress& host, bool silent) {
  if (silent) {
    silent_.insert(host);
  } else {
    silent_.erase(host);
  }
}

bool SimInternet::listen(const Endpoint& endpoint, const Listening& who) {
  return !occupied_.contains(endpoint) && listening_.emplace(endpoint, who).second;
}

std::shared_ptr<SimWire> SimInternet::connect(const Endpoint& from, const Endpoint& to) {
  const auto found = listening_.find(to);
  if (found == listening_.end()) return nullptr;
  auto wire = std::make_shared<SimWire>(clock_, faults_, path_to(to.address), from, to, random_.number());
  auto& wires = wires_[to];
  std::erase_if(wires, [](const auto& old) { return old.expired(); });
  wires.push_back(wire);
  found->second.loop->post([observer = found->second.observer, connection = std::make_unique<SimConnection>(
                                                                   wire, SimWire::kListener)]() mutable {
    if (const auto listening = observer.lock()) return (*listening)->on_connection(std::move(connection));
    connection->refuse();
  });
  return wire;
}

std::vector<std::shared_ptr<SimWire>> SimInternet::wires_to(const Endpoint& endpoint) {
  std::vector<std::shared_ptr<SimWire>> out;
  for (const auto& weak : wires_[endpoint]) {
    if (auto wire = weak.lock(); wire != nullptr && wire->open()) out.push_back(std::move(wire));
  }
  return out;
}

}  // namespace penstock
