#include "sim/sim_flow.h"

namespace penstock {

SimFlow::SimFlow(SimInternet& internet, Loop& loop, const IpAddress& from, const Endpoint& to,
                 const FlowPlan& plan, std::uint64_t seed)
    : from_{from},
      to_{to},
      plan_{plan},
      request_{2 * seed},
      answer_{2 * seed + 1},
      loop_{loop},
      network_{internet, loop, {from}},
      dial_{network_.dial(to,
                          [this](Result<std::unique_ptr<Connection>> made) { dialled(std::move(made)); })} {}

void SimFlow::dialled(Result<std::unique_ptr<Connection>> connection) {
  refused_ = !connection;
  if (refused_) return;
  client_ = std::make_unique<SimPeer>(loop_, network_.attach(std::move(*connection), {}));
  client_->begin(plan_.client, request_, answer_);
}

void SimFlow::serve(SimPeer& backend) {
  backend_ = &backend;
  backend.begin(plan_.backend, answer_, request_);
}

bool SimFlow::completed() const {
  return client_ != nullptr && backend_ != nullptr && client_->ended() && backend_->ended() &&
         client_->received() == plan_.backend.send && backend_->received() == plan_.client.send &&
         mistake().empty();
}

bool SimFlow::over() const {
  return refused_ || (client_ != nullptr && client_->gone() && (backend_ == nullptr || backend_->gone()));
}

std::string SimFlow::mistake() const {
  const std::string name = "the flow of " + from_.to_string() + ": ";
  if (client_ != nullptr && client_->wrong_at())
    return name + "wrong byte at " + std::to_string(*client_->wrong_at());
  if (backend_ != nullptr && backend_->wrong_at()) {
    return name + "wrong byte to the backend at " + std::to_string(*backend_->wrong_at());
  }
  const std::uint64_t to_client = client_ != nullptr ? client_->received() : 0;
  const std::uint64_t to_backend = backend_ != nullptr ? backend_->received() : 0;
  if (to_client > plan_.backend.send || to_backend > plan_.client.send)
    return name + "more arrived than was sent";
  if (client_ != nullptr && client_->other_ended() && to_client < plan_.backend.send) {
    return name + "the answer ended in order after " + std::to_string(to_client) + " bytes";
  }
  if (backend_ != nullptr && backend_->other_ended() && to_backend < plan_.client.send) {
    return name + "the request ended in order after " + std::to_string(to_backend) + " bytes";
  }
  return {};
}

}  // namespace penstock
