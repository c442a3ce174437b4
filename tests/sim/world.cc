#include "sim/world.h"

namespace penstock {
namespace {

constexpr std::uint32_t kEdgeNetwork = 0xc6336400;    // 198.51.100.0
constexpr std::uint32_t kClientNetwork = 0x0a400000;  // 10.64.0.0

PortSet one_port(std::uint16_t port) {
  PortSet ports;
  ports.add({port, port});
  return ports;
}

}  // namespace

World::World(std::uint64_t s, Carrier carrier)
    : seed{s},
      entropy{s},
      internet{clock, s},
      backend{internet, backend_address(),
              [this](const ProxyAddresses& said) -> SimFlow* {
                const auto found = flow_of_.find(said.client.address);
                return found != flow_of_.end() && found->second->to() == said.local ? found->second : nullptr;
              }},
      carrier_{carrier},
      key_{make_certificate("hub").value()},
      client_loop_{clock} {
  backend.listen({backend_address(), kBackendPort});
}

World::~World() {
  EXPECT_EQ(broken_, "") << "seed " << seed;
}

Config World::config(const Tweak& tweak) const {
  Config config;
  config.node = {.name = "sim", .workers = 2, .state_dir = state_.path()};
  config.hub.emplace();
  config.hub->listen = {hub_endpoint()};
  config.hub->quic = over_quic();
  config.hub->public_address = HostPort{.host = hub_address().to_string(), .port = hub_endpoint().port};
  config.edge.emplace();
  config.edge->carrier = EdgeConfig::Carrier::kTls;  // unless a test wants another
  config.edge->carriers = 1;
  config.edge->carrier = carrier_;
  config.edge->bind = {IpAddress::v4(0), IpAddress{}};
  config.edge->ports_allow.add({1, 65535});
  if (tweak) tweak(config);
  return config;
}

std::unique_ptr<HubNode> World::make_hub(const IpAddress& address, const Tweak& tweak) {
  const Tweak moved = [&](Config& config) {
    config.hub->listen.front().address = address;
    if (tweak) tweak(config);
  };
  return std::make_unique<HubNode>(internet, address, config(moved), state_.path(), key_);
}

HubNode& World::start_hub(const Tweak& tweak) {
  hub_ = make_hub(hub_address(), tweak);
  if (hub_->hub().services().find("web") == nullptr) add_service("web", kPort);
  return *hub_;
}

void World::add_service(const std::string& name, std::uint16_t port) {
  hub_->hub()
      .add_service({.name = name,
                    .ports = one_port(port),
                    .target = {.host = backend_address().to_string(), .port = kBackendPort},
                    .client = ClientHeader::kProxyV1})
      .value();
}

EdgeNode& World::add_edge(const std::string& id, unsigned number, const Tweak& tweak) {
  tokens_[id] = hub_->hub().add_edge(id, {}, {}).value();
  return add_edge_with(tokens_[id], number, tweak);
}

EdgeNode& World::add_edge_with(const std::string& token, unsigned number, const Tweak& tweak) {
  const IpAddress address = IpAddress::v4(kEdgeNetwork + number);
  if (tunnel_path_) set_tunnel_path(address, *tunnel_path_);
  edges_.push_back(std::make_unique<EdgeNode>(internet, address, config(tweak), token));
  return *edges_.back();
}

void World::set_tunnel_path(const SimPath& connections, const SimDatagramPath& datagrams) {
  internet.set_path_to(hub_address(), connections);
  tunnel_path_ = datagrams;
}

void World::set_tunnel_path(const IpAddress& edge, const SimDatagramPath& datagrams) {
  internet.post().set_path_between(edge, hub_address(), datagrams);
  internet.post().set_path_between(hub_address(), edge, datagrams);
}

void World::start(const Tweak& hub_tweak, const Tweak& edge_tweak) {
  start_hub(hub_tweak);
  EdgeNode& added = add_edge("edge-1", 1, edge_tweak);
  const bool up = run_until(
      [&] {
        return hub_->journal().count("carrier_up") == added.edge().carriers_wanted() &&
               state_of("edge-1", "web") == "listening";
      },
      10s);
  ASSERT_TRUE(up) << added.journal().to_string() << hub_->journal().to_string();
}

SimFlow& World::open(EdgeNode& edge, std::uint16_t port, const FlowPlan& plan) {
  const IpAddress from = IpAddress::v4(kClientNetwork + ++clients_);
  flows_.push_back(std::make_unique<SimFlow>(internet, client_loop_, from, Endpoint{edge.address(), port},
                                             plan, clients_));
  flow_of_[from] = flows_.back().get();
  return *flows_.back();
}

std::string_view World::state_of(std::string_view edge, std::string_view service) const {
  for (const PortState& port : hub_->hub().ports()) {
    if (port.edge == edge && port.service == service) return port.state;
  }
  return {};
}

std::string World::overdrawn(SimMachine& machine) {
  if (machine.budget.granted() <= machine.budget.total()) return {};
  return std::to_string(machine.budget.granted()) + " bytes granted of " +
         std::to_string(machine.budget.total());
}

void World::watch() {
  if (!broken_.empty()) return;
  if (hub_ != nullptr) broken_ = overdrawn(hub_->machine());
  for (const auto& edge : edges_) {
    if (broken_.empty()) broken_ = overdrawn(edge->machine());
  }
}

bool World::run_until(const std::function<bool()>& condition, Duration limit) {
  return clock.run_until(
      [&] {
        watch();
        return condition();
      },
      limit);
}

void World::run_for(Duration span) {
  run_until([] { return false; }, span);
}

bool World::run_until_over(Duration limit) {
  std::size_t first = 0;  // flows before it are over, and stay so
  return run_until(
      [&] {
        while (first < flows_.size() && flows_[first]->over()) ++first;
        return first == flows_.size();
      },
      limit);
}

void World::expect_balanced_books() {
  const auto check = [this](const auto& workers, std::string_view name) {
    for (const auto& worker : workers) {
      for (const LedgerRow& row : worker->ledger().rows()) {
        EXPECT_TRUE(row.balances()) << name << " " << row.service << (row.flows ? " flows" : " datagrams")
                                    << (row.to_client ? " to client" : " to backend") << ", seed " << seed;
      }
    }
  };
  if (hub_ != nullptr) check(hub_->hub().workers(), "hub");
  for (const auto& edge : edges_) check(edge->edge().workers(), "edge");
}

void World::expect_no_mistakes() const {
  for (const auto& flow : flows_) EXPECT_EQ(flow->mistake(), "") << "seed " << seed;
}

void World::expect_nothing_left() {
  const auto check = [&](SimMachine& machine, std::string_view name) {
    EXPECT_EQ(machine.admission.open(), 0U) << name << ", seed " << seed;
    EXPECT_EQ(machine.budget.granted(), 0U) << name << ", seed " << seed;
  };
  if (hub_ != nullptr) {
    check(hub_->machine(), "hub");
    EXPECT_EQ(hub_->flows(), 0U) << "seed " << seed;
  }
  for (const auto& edge : edges_) {
    check(edge->machine(), "edge");
    EXPECT_EQ(edge->flows().size(), 0U) << "seed " << seed;
  }
  EXPECT_EQ(backend.open(), 0U) << "seed " << seed;
  expect_balanced_books();
}

}  // namespace penstock
