#include "sim/hub_node.h"

namespace penstock {

HubNode::HubNode(SimInternet& internet, const IpAddress& address, const Config& config,
                 const std::string& state_directory, const KeyAndCertificate& key)
    : machine_{internet, address, config}, store_{Store::open(state_directory).value()} {
  HubIdentity identity{TlsContext::server(key.certificate_pem, key.key_pem).value(),
                       public_key_hash_of_pem(key.certificate_pem).value(),
                       QuicTls::server(key.certificate_pem, key.key_pem, {}).value()};
  SimClock& clock = internet.clock();
  hub_ = std::make_unique<Hub>(
      config, Hub::Parts{.control = machine_.control,
                         .network = machine_.network,
                         .counters = machine_.counters,
                         .workers = machine_.workers(),
                         .store = store_,
                         .journal = machine_.journal,
                         .admission = machine_.admission,
                         .sessions_admission = machine_.sessions_admission,
                         .steering = steering_,
                         .budget = machine_.budget,
                         .identity = std::move(identity),
                         .wall_clock = [&clock] {
                           const auto age = clock.now().time_since_epoch();
                           return std::chrono::duration_cast<std::chrono::seconds>(age).count();
                         }});
  hub_->start().value();
}

std::size_t HubNode::flows() const {
  std::size_t sum = 0;
  for (const auto& worker : hub_->workers()) sum += worker->flows().size();
  return sum;
}

std::size_t HubNode::carriers() const {
  std::size_t sum = 0;
  for (const auto& worker : hub_->workers()) sum += worker->carriers().size();
  return sum;
}

CarrierReport HubNode::carrier() const {
  for (const auto& worker : hub_->workers()) {
    if (const auto carriers = worker->carriers(); !carriers.empty()) return carriers.front().report;
  }
  return {};
}

}  // namespace penstock
