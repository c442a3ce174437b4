#include "node/node.h"

#include <glog/logging.h>
#include <sys/stat.h>

#include <boost/json/value_from.hpp>

#include <cerrno>
#include <csignal>

#include "base/bytes.h"
#include "node/guard_api.h"
#include "node/service_manager.h"

namespace penstock {
namespace {

constexpr Duration kDrainCheck = 100ms;

AdmissionLimits admission_limits(const LimitsConfig& limits) {
  return {.total = limits.flows,
          .per_source = limits.flows_per_source,
          .prefix_v4 = limits.source_prefix_v4,
          .prefix_v6 = limits.source_prefix_v6};
}

/// How many there are in all is the tables' business, which make room when they are full.
AdmissionLimits session_limits(const LimitsConfig& limits) {
  return {.total = UINT32_MAX,
          .per_source = limits.sessions_per_source,
          .prefix_v4 = limits.source_prefix_v4,
          .prefix_v6 = limits.source_prefix_v6};
}

std::unique_ptr<AccessLog> access_log_for(Loop& control, const std::string& path) {
  return path.empty() ? nullptr : std::make_unique<AccessLog>(control, path);
}

}  // namespace

Node::Node(Config config, ConfigSource source, StateLock lock, std::unique_ptr<KernelPlane> plane,
           std::string why_sockets)
    : config_{std::move(config)},
      source_{std::move(source)},
      lock_{std::move(lock)},
      started_{Clock::now()},
      access_log_{access_log_for(control_, config_.node.access_log)},
      journal_{events_, access_log_.get()},
      admission_{admission_limits(config_.limits)},
      sessions_admission_{session_limits(config_.limits)},
      to_backend_{config_.limits.window_budget, config_.limits.flows},
      to_client_{config_.limits.window_budget, config_.limits.flows},
      workers_{config_.node.workers},
      plane_{std::move(plane)},
      why_sockets_{std::move(why_sockets)},
      admin_{control_.context(), router_, events_},
      signals_{control_.context()} {
  const auto level = set_log_level(config_.node.log_level);
  CHECK(level.has_value()) << level.error().what;  // the configuration was validated
}

Node::~Node() {
  workers_.stop();
}

// ---------------------------------------------------------------------------------------------- start

Result<void> Node::start() {
  if (::mkdir(config_.node.state_dir.c_str(), 0700) != 0 && errno != EEXIST) {
    return system_error("cannot make node.state_dir " + config_.node.state_dir, errno);
  }
  Result<void> done = lock_.take(config_.node.state_dir);
  if (done && access_log_) done = access_log_->open();
  if (done) make_steering();
  if (done) done = set_guard_limits();
  if (done && config_.hub) done = start_hub();
  if (done && config_.edge) done = start_edge();
  if (done) done = start_admin();
  if (!done) {
    close_admin();
    return done;
  }
  watch_network();
  watch_signals();
  workers_.start();
  notify_service_manager("READY=1");
  return {};
}

void Node::make_steering() {
  if (plane_ == nullptr) {
    using LocalAddress = SocketSteering::LocalAddress;
    edge_steering_ = std::make_unique<SocketSteeringMaker>(LocalAddress::kAsUsed);
    hub_steering_ = std::make_unique<SocketSteeringMaker>(LocalAddress::kAsBound);
    return;
  }
  edge_steering_ = plane_->edge_steering();
  hub_steering_ = plane_->hub_steering();
  ports_ = std::make_unique<PlanePorts>(*plane_, network_);
}

Result<void> Node::set_guard_limits() {
  if (plane_ == nullptr || plane_->guard() == nullptr) return {};
  return plane_->guard()->set_limits(guard_limits(config_));
}

/// Once all lanes are made.
void Node::watch_network() {
  if (plane_ == nullptr) return;
  std::vector<Worker> of_lanes;
  for (const bool role : {edge_ != nullptr, hub_ != nullptr}) {
    for (const Worker& worker : workers_.all()) {
      if (role) of_lanes.push_back(worker);
    }
  }
  watch_ = std::make_unique<PlaneWatch>(*plane_, control_, std::move(of_lanes));
}

Result<void> Node::start_hub() {
  auto store = Store::open(config_.node.state_dir);
  if (!store) return store.error();
  store_.emplace(std::move(*store));
  auto identity = load_hub_identity(config_);
  if (!identity) return identity.error();
  hub_ = std::make_unique<Hub>(config_,
                               Hub::Parts{.control = control_,
                                          .network = network_,
                                          .counters = counters_,
                                          .workers = workers_.all(),
                                          .store = *store_,
                                          .journal = journal_,
                                          .admission = admission_,
                                          .sessions_admission = sessions_admission_,
                                          .steering = *hub_steering_,
                                          .budget = to_backend_,
                                          .identity = std::move(*identity),
                                          .wall_clock = [] { return std::int64_t{std::time(nullptr)}; }});
  return hub_->start();
}

Result<void> Node::start_edge() {
  auto address = load_hub_address(*config_.edge);
  if (!address) return address.error();
  edge_ = std::make_unique<Edge>(config_, Edge::Parts{.control = control_,
                                                      .network = network_,
                                                      .counters = counters_,
                                                      .workers = workers_.all(),
                                                      .journal = journal_,
                                                      .admission = admission_,
                                                      .sessions_admission = sessions_admission_,
                                                      .steering = *edge_steering_,
                                                      .ports = ports_.get(),
                                                      .instance = plane_ ? plane_->instance() : random_u64(),
                                                      .budget = to_client_,
                                                      .address = std::move(*address)});
  edge_->start();
  return {};
}

Result<void> Node::start_admin() {
  add_looks(router_, *this);
  add_port_looks(router_, *this);
  add_session_looks(router_, *this);
  add_guard(router_, *this, journal_);
  add_verbs(router_, *this);
  add_metrics(router_, *this);
  const std::string& socket = config_.admin.socket;
  // The default's folder is gone after every boot; one that the operator chose is the operator's to make.
  if (socket == AdminConfig{}.socket) ::mkdir(socket.substr(0, socket.rfind('/')).c_str(), 0750);
  auto listening = admin_.listen_unix(socket);
  if (!listening || !config_.admin.http) return listening;
  auto http = admin_.listen_http(*config_.admin.http);
  if (!http) return http.error();
  return {};
}

void Node::run() {
  control_.run();
  workers_.stop();
  close_admin();
  if (access_log_) access_log_->flush();
}

/// Its connections end on the loop, which has ended or has not begun.
void Node::close_admin() {
  admin_.stop();
  control_.context().restart();
  while (!admin_.idle() && control_.context().run_one() > 0) {
  }
}

// ---------------------------------------------------------------------------------------------- signals

void Node::watch_signals() {
  for (const int number : {SIGHUP, SIGTERM, SIGINT}) signals_.add(number);
  signals_.async_wait([this](const boost::system::error_code& error, int number) {
    if (error) return;
    on_signal(number);
    watch_signals();
  });
}

void Node::on_signal(int number) {
  if (number != SIGHUP) return draining_ && drain_until_ != kNever ? end() : end_when_drained();
  const auto reloaded = reload();
  if (!reloaded)
    LOG(ERROR) << "the configuration was not reloaded, the old one goes on: " << reloaded.error().what;
}

void Node::end_when_drained() {
  notify_service_manager("STOPPING=1");
  drain();
  if (drain_until_ == kNever) drain_until_ = control_.now() + config_.node.drain;
  if (flows_open() == 0 || control_.now() >= drain_until_) return end();
  drain_timer_ = control_.make_timer([this] { end_when_drained(); });
  drain_timer_->arm(control_.now() + kDrainCheck);
}

void Node::end() {
  if (std::exchange(ending_, true)) return;
  drain_timer_.reset();
  roles_ending_ = 1 + (hub_ ? 1 : 0) + (edge_ ? 1 : 0);
  if (hub_) hub_->stop([this] { ended(); });
  if (edge_) edge_->stop([this] { ended(); });
  ended();
}

void Node::ended() {
  if (--roles_ending_ == 0) control_.stop();
}

void Node::drain() {
  if (std::exchange(draining_, true)) return;
  journal_.event("draining", {{"flows", flows_open()}});
  if (hub_) hub_->drain();
  if (edge_) edge_->drain();
}

// ---------------------------------------------------------------------------------------------- reload

Result<Node::Reloaded> Node::reload() {
  notify_service_manager("RELOADING=1");
  auto wanted = load_config(source_.path, source_.environment, source_.overrides);
  if (!wanted) {
    notify_service_manager("READY=1");
    return wanted.error();
  }
  Reloaded reloaded{.changed = {}, .restart_needed = restart_only_changes(config_, *wanted)};
  Result<void> applied;
  if (hub_ && wanted->hub) {
    auto changed = hub_->reload(*wanted);
    if (changed) reloaded.changed = std::move(*changed);
    if (!changed) applied = changed.error();
  }
  if (applied) {
    if (edge_ && wanted->edge) {
      for (std::string& change : edge_->reload(*wanted)) reloaded.changed.push_back(std::move(change));
    }
    if (wanted->node.log_level != config_.node.log_level) applied = set_log_level(wanted->node.log_level);
    const bool guarded_otherwise = wanted->guard != config_.guard;
    for (const std::string& key : take_reloadable(config_, *wanted))
      reloaded.changed.push_back(key + " changed");
    sessions_admission_.set_limits(session_limits(config_.limits));
    admission_.set_limits(admission_limits(config_.limits));
    if (access_log_) applied = access_log_->open();
    if (applied && guarded_otherwise) applied = set_guard_limits();
    config_.services = wanted->services;
  }
  notify_service_manager("READY=1");
  if (!applied) return applied.error();
  journal_.event("reloaded", {{"changed", boost::json::value_from(reloaded.changed)},
                              {"restart_needed", boost::json::value_from(reloaded.restart_needed)}});
  return reloaded;
}

Result<void> Node::set_log_level(const std::string& level) {
  if (level != "debug" && level != "info" && level != "warning" && level != "error") {
    return error(Errc::kInvalid, "a log level is debug, info, warning or error");
  }
  log_level_ = level;
  FLAGS_v = level == "debug" ? 1 : 0;
  FLAGS_minloglevel = level == "error" ? google::ERROR : level == "warning" ? google::WARNING : google::INFO;
  return {};
}

// ---------------------------------------------------------------------------------------------- figures

std::vector<std::string> Node::why_not_ready() const {
  std::vector<std::string> why;
  if (draining_) why.emplace_back("the node is draining");
  if (hub_ && hub_->listening().empty()) why.emplace_back("the hub does not listen");
  if (edge_ && !edge_->connected()) {
    const std::string last = edge_->last_error();
    why.push_back("no tunnel to the hub" + (last.empty() ? "" : ": " + last));
  }
  return why;
}

std::uint64_t Node::total(Counter Counters::*which) const {
  std::uint64_t sum = (counters_.*which).get();
  for (std::size_t i = 0; i < workers_.count(); ++i) sum += (workers_.counters(i).*which).get();
  return sum;
}

/// With what the kernel programs dropped for that reason.
std::uint64_t Node::total(Reason reason) const {
  const auto index = static_cast<std::size_t>(reason);
  std::uint64_t sum = counters_.reasons[index].get();
  if (plane_ != nullptr) sum += plane_->counts().dropped_in_all(reason);
  for (std::size_t i = 0; i < workers_.count(); ++i) sum += workers_.counters(i).reasons[index].get();
  return sum;
}

}  // namespace penstock
