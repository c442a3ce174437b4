#include "node/plane_ports.h"

#include <glog/logging.h>

#include <utility>

namespace penstock {
namespace {

class Listeners final : public Pending {
 public:
  void add(std::unique_ptr<Pending> listener) { listeners_.push_back(std::move(listener)); }

 private:
  std::vector<std::unique_ptr<Pending>> listeners_;
};

}  // namespace

PlanePorts::PlanePorts(KernelPlane& plane, AsioNetwork& network) : plane_{plane}, network_{network} {
  number({});
}

std::unique_ptr<Pending> PlanePorts::serve(ListenerObserver& observer) {
  auto all = std::make_unique<Listeners>();
  for (const bool v4 : {true, false}) {
    FileDescriptor listener = plane_.take_tcp_listener(v4);
    if (listener) all->add(network_.accept_from(std::move(listener), observer));
  }
  return all;
}

Result<std::unique_ptr<Pending>> PlanePorts::open(const Endpoint& on, bool udp) {
  return plane_.ports().open(on, udp);
}

void PlanePorts::set_service(std::uint16_t port, bool udp, const std::string& service) {
  plane_.ports().set_service(port, udp, number(service));
}

/// More services than the programs have books for share those of nobody.
std::uint16_t PlanePorts::number(const std::string& service) {
  const auto [found, added] = numbers_.try_emplace(service, std::uint16_t{0});
  if (added && names_.size() < PST_SERVICES) {
    found->second = static_cast<std::uint16_t>(names_.size());
    names_.push_back(service);
    const auto begun = plane_.counts().begin_service(found->second);
    if (!begun) LOG(ERROR) << begun.error().what;
  }
  return found->second;
}

std::vector<LedgerRow> PlanePorts::dropped() const {
  std::vector<LedgerRow> rows;
  for (std::size_t number = 0; number < names_.size(); ++number) {
    LedgerRow row{.service = names_[number]};
    for (const ReasonInfo& info : kReasons) {
      if (!PacketCounts::is_of_datagrams(info.reason)) continue;
      const auto count = plane_.counts().dropped(static_cast<std::uint16_t>(number), info.reason);
      if (!count || count->packets == 0) continue;
      row.received += count->packets;
      row.received_bytes += count->bytes;
      row.dropped_bytes += count->bytes;
      row.dropped[info.reason] += count->packets;
    }
    if (row.received > 0) rows.push_back(std::move(row));
  }
  return rows;
}

void PlanePorts::share_among(unsigned workers) {
  const auto done = plane_.ports().share_among(static_cast<std::uint16_t>(workers));
  if (!done) LOG(ERROR) << done.error().what;
}

}  // namespace penstock
