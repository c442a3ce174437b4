// One small flow beside fifty that want all there is.
#include "sim/world.h"
#include "tunnel/send_scheduler.h"

namespace penstock {
namespace {

constexpr std::size_t kBulkFlows = 50;
constexpr std::uint64_t kBytesPerSecond = 12'500'000;  // 100 Mbit/s
constexpr Duration kDelay = 10ms;
constexpr std::size_t kSegment = 1448;

/// Asks with a few bytes, waits for as many, asks again.
class Asker final : private LinkObserver {
 public:
  Asker(World& world, const Endpoint& to, std::size_t size)
      : loop_{world.clock},
        network_{world.internet, loop_, {IpAddress::v4(0x0a640001)}},
        question_(size, '?') {
    dial_ = network_.dial(to, [this](Result<std::unique_ptr<Connection>> connection) {
      link_ = network_.attach(std::move(connection.value()), {});
      link_->observe(this);
      ask();
    });
  }
  const std::vector<Duration>& times() const { return times_; }

 private:
  void ask() {
    asked_ = loop_.now();
    got_ = 0;
    link_->write(as_bytes(question_), false);
    link_->await_readable();
  }
  void on_readable() override {
    std::array<std::byte, 4096> buffer{};
    for (;;) {
      const IoResult result = link_->read(buffer);
      if (result.status != IoStatus::kDone) break;
      got_ += result.bytes;
    }
    if (got_ < question_.size()) return link_->await_readable();
    times_.push_back(loop_.now() - asked_);
    ask();
  }
  void on_writable() override {}
  void on_broken(const boost::system::error_code&) override {}

  SimLoop loop_;
  SimNetwork network_;
  const std::string question_;
  std::unique_ptr<Pending> dial_;
  std::unique_ptr<Link> link_;
  Time asked_{};
  std::size_t got_ = 0;
  std::vector<Duration> times_;
};

/// Sends back whatever comes.
class Echo final : private ListenerObserver {
 public:
  Echo(World& world, const Endpoint& on) : loop_{world.clock}, network_{world.internet, loop_, {on.address}} {
    listener_ = network_.listen(on, *this).value();
  }

 private:
  class Served final : private LinkObserver {
   public:
    explicit Served(std::unique_ptr<Link> link) : link_{std::move(link)} {
      link_->observe(this);
      link_->await_readable();
    }

   private:
    void on_readable() override {
      std::array<std::byte, 4096> buffer{};
      for (;;) {
        const IoResult result = link_->read(buffer);
        if (result.status != IoStatus::kDone) break;
        link_->write(Bytes{buffer}.first(result.bytes), false);
      }
      link_->await_readable();
    }
    void on_writable() override {}
    void on_broken(const boost::system::error_code&) override {}
    std::unique_ptr<Link> link_;
  };
  void on_connection(std::unique_ptr<Connection> connection) override {
    served_.push_back(std::make_unique<Served>(network_.attach(std::move(connection), {})));
  }
  void on_accept_failed(const boost::system::error_code&) override {}

  SimLoop loop_;
  SimNetwork network_;
  std::unique_ptr<Pending> listener_;
  std::vector<std::unique_ptr<Served>> served_;
};

class FairnessTest : public testing::TestWithParam<bool> {
 protected:
  FairnessTest() {
    world.internet.set_path_to(World::hub_address(), {.bytes_per_second = kBytesPerSecond,
                                                      .delay = kDelay,
                                                      .send_buffer = 4U << 20,
                                                      .receive_buffer = 4U << 20,
                                                      .segment = kSegment});
    world.start();
    world.hub()
        .hub()
        .add_service({.name = "echo", .ports = one(7), .target = {.host = "10.0.0.7", .port = 7}})
        .value();
    world.run_for(100ms);
  }
  static PortSet one(std::uint16_t port) {
    PortSet ports;
    ports.add({port, port});
    return ports;
  }
  bool downwards() const { return GetParam(); }
  FlowPlan bulk() const {
    FlowPlan plan;
    (downwards() ? plan.backend : plan.client).send = 1ULL << 40;
    return plan;
  }
  std::uint64_t received(const SimFlow& flow) const {
    if (flow.backend() == nullptr) return 0;
    return downwards() ? flow.client()->received() : flow.backend()->received();
  }

  World world{51};
  Echo echo{world, {IpAddress::v4(0x0a000007), 7}};
};

TEST_P(FairnessTest, KeepsTheRoundTripOfASmallFlowNearThatOfTheEmptyPath) {
  for (std::size_t i = 0; i < kBulkFlows; ++i) world.open(bulk());
  world.run_for(3s);  // until all of them have their windows
  Asker asker{world, {world.edge().address(), 7}, 200};
  world.run_for(10s);
  ASSERT_GT(asker.times().size(), 50U);
  Duration most{};
  Duration sum{};
  for (const Duration time : asker.times()) {
    most = std::max(most, time);
    sum += time;
  }
  // In the direction that is full: what the kernel may hold unsent, and what was gathered for it before the
  // question came; the dial and the bytes themselves are nothing beside it. The other direction is empty.
  const auto bytes_before = static_cast<double>(TunnelConfig{}.send_queue + 65536 + kSegment);
  const Duration queue{static_cast<Duration::rep>(bytes_before * 1e9 / static_cast<double>(kBytesPerSecond))};
  const Duration empty = 2 * kDelay + 4 * SimPath{}.delay;
  EXPECT_LE(most, empty + queue + 2ms);
  const auto ms = [](Duration time) {
    return std::to_string(std::chrono::duration<double, std::milli>(time).count());
  };
  RecordProperty("mean_ms", ms(sum / static_cast<Duration::rep>(asker.times().size())));
  RecordProperty("most_ms", ms(most));
  RecordProperty("bound_ms", ms(empty + queue + 2ms));
}

TEST_P(FairnessTest, SharesTheLinkEquallyInBytes) {
  for (std::size_t i = 0; i < kBulkFlows; ++i) world.open(bulk());
  world.run_for(3s);
  std::vector<std::uint64_t> before;
  for (const auto& flow : world.flows()) before.push_back(received(*flow));
  world.run_for(20s);
  std::uint64_t least = UINT64_MAX;
  std::uint64_t most = 0;
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < kBulkFlows; ++i) {
    const std::uint64_t got = received(*world.flows()[i]) - before[i];
    least = std::min(least, got);
    most = std::max(most, got);
    sum += got;
  }
  EXPECT_LE(static_cast<double>(most), 1.1 * static_cast<double>(least));
  EXPECT_GE(static_cast<double>(sum),
            0.98 * 20 * static_cast<double>(kBytesPerSecond));  // and nobody wastes it
  RecordProperty("least", std::to_string(least));
  RecordProperty("most", std::to_string(most));
  RecordProperty("share_of_link",
                 std::to_string(static_cast<double>(sum) / (20.0 * static_cast<double>(kBytesPerSecond))));
}

INSTANTIATE_TEST_SUITE_P(Directions, FairnessTest, testing::Bool(),
                         [](const auto& param) { return param.param ? "ToClients" : "ToBackends"; });

}  // namespace
}  // namespace penstock
