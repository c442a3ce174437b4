// Datagrams of every size over QUIC: whole, in fragments, in streams of their own, or lost, but never
// altered.
#include <map>

#include "sim/session_world.h"

namespace penstock {
namespace {

constexpr std::size_t kLongest = 65507;

SimDatagramPath path(double loss) {
  return {.delay = 10ms,
          .loss = loss,
          .duplication = loss,
          .reordering = 2 * loss,
          .held = 15ms,
          .bytes_per_second = 25'000'000};
}

class QuicSessionTest : public testing::Test {
 protected:
  void start(const SimDatagramPath& tunnel) {
    world.set_tunnel_path(SimPath{}, tunnel);
    world.start();
    Service service{.name = "game"};
    service.protocol = Protocol::kUdp;
    service.target = {.host = World::backend_address().to_string(), .port = kTarget};
    service.ports.add({kPublic, kPublic});
    world.hub().hub().add_service(service).value();
    ASSERT_TRUE(world.run_until([&] { return world.state_of("edge-1", "game") == "listening"; }, 10s));
    world.run_for(10ms);
    backend.echo(true);
  }
  Endpoint public_end() { return {world.edge().address(), kPublic}; }
  /// Bytes that tell the number, and all of that size others.
  static std::string payload(std::size_t size, std::uint64_t number) {
    std::string out(size, '\0');
    Pattern{number}.fill(0, std::as_writable_bytes(std::span{out}));
    return out;
  }
  void send(SimDatagrams& from, std::size_t size) {
    sent_.push_back(payload(size, sent_.size()));
    from.send(public_end(), sent_.back());
  }
  /// Whatever arrived was sent, to the byte; returns how many of those that were sent did.
  std::size_t arrived(const SimDatagrams& at) const {
    std::map<std::string, std::size_t> known;
    for (const std::string& each : sent_) known.emplace(each, 0);
    for (const auto& got : at.got()) {
      const auto found = known.find(got.payload);
      EXPECT_NE(found, known.end()) << "altered, of " << got.payload.size() << " bytes";
      if (found != known.end()) ++found->second;
    }
    return static_cast<std::size_t>(
        std::count_if(known.begin(), known.end(), [](const auto& each) { return each.second > 0; }));
  }

  World world{62, World::Carrier::kQuic};
  SimDatagrams backend{world.internet, {World::backend_address(), kTarget}};
  SimDatagrams client{world.internet, {IpAddress::v4(0xcb007101), 4000}};

 private:
  std::vector<std::string> sent_;
};

TEST_F(QuicSessionTest, BringsEverySizeThereAndBack) {
  start(path(0));
  std::size_t count = 0;
  for (const std::size_t size :
       {0,    1,    1100, 1162, 1163, 1164,   1190,   1200,   1350,   1400,
        1420, 1430, 1472, 2000, 4000, 4500,   4620,   4630,   4640,   4700,
        5000, 5600, 5680, 5700, 9000, 20'000, 40'000, 65'000, 65'506, static_cast<int>(kLongest)}) {
    send(client, static_cast<std::size_t>(size));
    ++count;
    world.run_for(300ms);
    ASSERT_EQ(backend.got().size(), count) << size;
    ASSERT_EQ(client.got().size(), count) << size;
  }
  EXPECT_EQ(arrived(backend), count);
  EXPECT_EQ(arrived(client), count);
  world.expect_balanced_books();
}

TEST_F(QuicSessionTest, AltersNothingOfWhatALossyPathLetsThrough) {
  start(path(0.03));
  SimRandom random{world.seed};
  constexpr std::size_t kCount = 1500;
  for (std::size_t i = 0; i < kCount; ++i) {
    send(client, random.chance(0.05) ? random.between(0, kLongest) : 8 + random.size(6000));
    world.run_for(2ms);
  }
  world.run_for(3s);
  EXPECT_GT(arrived(backend), kCount * 85 / 100);
  EXPECT_GT(arrived(client), kCount * 70 / 100);
  EXPECT_LE(backend.got().size(), kCount);  // QUIC lets no datagram through twice
  world.expect_balanced_books();
  EXPECT_EQ(world.edge().journal().count("carrier_down"), 0U);
}

TEST_F(QuicSessionTest, GoesOnFromAnotherAddressOfTheEdge) {
  start(path(0));
  for (std::uint32_t i = 0; i < 200; ++i) {
    if (i % 50 == 0) world.internet.post().readdress(world.edge().address(), IpAddress::v4(0xcb007180 + i));
    send(client, 400);
    world.run_for(20ms);
  }
  world.run_for(1s);
  EXPECT_GE(arrived(client), 190U);  // an answer that was on its way to the old address is lost
  EXPECT_EQ(world.hub().carrier().quic.value_or(QuicReport{}).migrations, 4U);
  EXPECT_EQ(world.edge().journal().count("carrier_down"), 0U);
}

TEST_F(QuicSessionTest, SharesTheTunnelWithFlowsThatFillIt) {
  start(path(0));
  for (int i = 0; i < 10; ++i) world.open({.client = {.send = 10'000'000}, .backend = {.send = 10'000'000}});
  for (int i = 0; i < 200; ++i) {
    send(client, 1000);
    world.run_for(5ms);
  }
  world.run_for(1s);
  EXPECT_GT(arrived(client), 150U);
  ASSERT_TRUE(world.run_until_over(60s));
  world.expect_no_mistakes();
  world.expect_balanced_books();
}

}  // namespace
}  // namespace penstock
