#include "quic/quic_endpoint.h"

#include "quic/quic_engine.h"

namespace penstock {
namespace {

/// What the owner holds of an engine, which may have a turn under way when it is let go.
class Holder final : public QuicEndpoint {
 public:
  explicit Holder(std::shared_ptr<QuicEngine> engine) : engine_{std::move(engine)} {}
  ~Holder() override { engine_->end(); }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;

  std::unique_ptr<QuicConnection> dial(const Endpoint& to, std::uint8_t steer, QuicTls& tls,
                                       const std::string& server_name, QuicObserver& observer) override {
    return engine_->dial(to, steer, tls, server_name, observer);
  }
  void set_limits(const QuicLimits& limits) override { engine_->set_limits(limits); }
  void stop_accepting() override { engine_->stop_accepting(); }
  QuicEndpointReport report() const override { return engine_->report(); }

 private:
  const std::shared_ptr<QuicEngine> engine_;  // shared with its turn
};

}  // namespace

std::unique_ptr<QuicEndpoint> QuicEndpoint::client(Loop& loop, Network& network,
                                                   std::unique_ptr<BoundUdp> socket,
                                                   const QuicSettings& settings) {
  return std::make_unique<Holder>(
      std::make_shared<QuicEngine>(loop, network, std::move(socket), settings, std::nullopt));
}

std::unique_ptr<QuicEndpoint> QuicEndpoint::server(Loop& loop, Network& network,
                                                   std::unique_ptr<BoundUdp> socket,
                                                   const QuicSettings& settings, const QuicLimits& limits,
                                                   QuicTls& tls, QuicEndpointObserver& observer) {
  const QuicServing serving{.tls = tls, .observer = observer, .limits = limits};
  return std::make_unique<Holder>(
      std::make_shared<QuicEngine>(loop, network, std::move(socket), settings, serving));
}

}  // namespace penstock
