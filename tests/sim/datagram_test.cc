// The simulated UDP itself: what arrives where, when, and what may happen to it on its way.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "support/sim_loop.h"
#include "support/sim_network.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
namespace errc = boost::system::errc;

const IpAddress kAny4 = IpAddress::v4(0);
const IpAddress kHere = IpAddress::v4(0xc0000201);   // 192.0.2.1
const IpAddress kHere2 = IpAddress::v4(0xc0000202);  // 192.0.2.2
const IpAddress kThere = IpAddress::v4(0xc6336401);  // 198.51.100.1
const IpAddress kHere6 = IpAddress::parse("2001:db8::1").value();

class Receiver final : public UdpObserver {
 public:
  void on_datagrams(std::span<const ReceivedDatagram> told) override {
    for (const ReceivedDatagram& each : told) {
      payloads.emplace_back(as_text(each.payload));
      peers.push_back(each.peer);
      locals.push_back(each.local);
    }
    largest = std::max(largest, told.size());
    if (then) then();
  }
  void on_overrun(std::uint64_t count) override { overrun += count; }

  std::vector<std::string> payloads;
  std::vector<Endpoint> peers;
  std::vector<IpAddress> locals;
  std::size_t largest = 0;
  std::uint64_t overrun = 0;
  std::function<void()> then;
};

class DatagramTest : public testing::Test {
 protected:
  std::unique_ptr<UdpSocket> open(SimNetwork& network, const Endpoint& on, Receiver& receiver) {
    auto bound = network.bind_udp(on, 1);
    EXPECT_TRUE(bound) << bound.error().what;
    return network.attach(std::move(bound->front()), receiver);
  }
  static UdpSent send(UdpSocket& socket, const Endpoint& to, std::string_view text,
                      const IpAddress& from = {}) {
    const OutgoingDatagram datagram{.peer = to,
                                    .local = from,
                                    .header = as_bytes(text).first(text.size() / 2),
                                    .payload = as_bytes(text).subspan(text.size() / 2)};
    return socket.send({&datagram, 1});
  }

  SimClock clock;
  SimInternet internet{clock, 7};
  SimLoop loop{clock};
  SimNetwork here{internet, loop, {kHere, kHere2, kHere6}};
  SimNetwork there{internet, loop, {kThere}};
  Receiver server_told;
  Receiver client_told;
};

TEST_F(DatagramTest, TravelsThereAndBackInTheTimeOfItsPath) {
  internet.post().set_path_to(kHere2, {.delay = 5ms});
  internet.post().set_path_to(kThere, {.delay = 7ms});
  const auto server = open(here, {kAny4, 53}, server_told);
  const auto client = open(there, {kThere, 4000}, client_told);
  ASSERT_EQ(send(*client, {kHere2, 53}, "question").sent, 1U);
  EXPECT_THAT(server_told.payloads, IsEmpty());
  clock.run_for(5ms - 1ns);
  EXPECT_THAT(server_told.payloads, IsEmpty());
  clock.run_for(1ns);
  ASSERT_THAT(server_told.payloads, ElementsAre("question"));
  EXPECT_THAT(server_told.peers, ElementsAre(Endpoint{kThere, 4000}));
  EXPECT_THAT(server_told.locals, ElementsAre(kHere2));
  ASSERT_EQ(send(*server, server_told.peers.front(), "answer", kHere2).sent, 1U);
  clock.run_for(7ms);
  EXPECT_THAT(client_told.payloads, ElementsAre("answer"));
  EXPECT_THAT(client_told.peers, ElementsAre(Endpoint{kHere2, 53}));
}

TEST_F(DatagramTest, LosesWhatNobodyReceives) {
  const auto client = open(there, {kThere, 0}, client_told);
  EXPECT_EQ(send(*client, {kHere, 53}, "x").sent, 1U);
  const auto server = open(here, {kHere, 54}, server_told);
  internet.set_silent(kHere, true);
  EXPECT_EQ(send(*client, {kHere, 54}, "x").sent, 1U);
  clock.run_for(1s);
  EXPECT_THAT(server_told.payloads, IsEmpty());
}

TEST_F(DatagramTest, BindsLikeTheSystem) {
  const auto code = [](const auto& bound) {
    return bound ? boost::system::error_code{} : bound.error().code;
  };
  internet.post().occupy({kHere2, 1000});
  internet.occupy({kHere, 1001});  // of TCP
  EXPECT_EQ(code(here.bind_udp({kHere2, 1000}, 1)), errc::address_in_use);
  EXPECT_EQ(code(here.bind_udp({kAny4, 1000}, 4)), errc::address_in_use);
  EXPECT_EQ(here.bind_udp({kAny4, 1000}, 1).error().what,
            "cannot bind UDP 0.0.0.0:1000: Address already in use");
  EXPECT_FALSE(code(here.bind_udp({kHere, 1000}, 1)));
  EXPECT_FALSE(code(here.bind_udp({kHere, 1001}, 1)));
  EXPECT_FALSE(code(here.bind_udp({IpAddress{}, 1000}, 1)));
  EXPECT_EQ(code(here.bind_udp({kThere, 1}, 1)), errc::address_not_available);
  EXPECT_EQ(code(there.bind_udp({kHere6, 1}, 1)), errc::address_family_not_supported);
  internet.post().vacate({kHere2, 1000});
  const auto bound = here.bind_udp({kAny4, 1000}, 2);
  ASSERT_FALSE(code(bound));
  EXPECT_EQ(code(here.bind_udp({kHere, 1000}, 1)), errc::address_in_use);
}

TEST_F(DatagramTest, ChoosesAPortThatIsFree) {
  internet.post().occupy({kHere, 32768});
  SimNetwork again{internet, loop, {kHere}};  // another thread of the same host
  const auto one = here.bind_udp({kAny4, 0}, 1);
  const auto two = again.bind_udp({kAny4, 0}, 3);
  ASSERT_TRUE(one);
  ASSERT_TRUE(two);
  EXPECT_EQ(one->front()->local, (Endpoint{kAny4, 32769}));
  EXPECT_EQ(two->back()->local, (Endpoint{kAny4, 32770}));
}

TEST_F(DatagramTest, TellsWhatItCannotSend) {
  const auto socket = open(here, {kAny4, 0}, server_told);
  const Endpoint to{kThere, 1};
  EXPECT_EQ(send(*socket, to, std::string(65508, 'x')).error, errc::message_size);
  EXPECT_EQ(send(*socket, {kHere6, 1}, "x").error, errc::address_family_not_supported);
  EXPECT_EQ(send(*socket, to, "x", kThere).error, errc::invalid_argument);
  internet.faults().fail(1);
  EXPECT_EQ(send(*socket, to, "x").error, errc::no_buffer_space);
  EXPECT_FALSE(send(*socket, to, std::string(65507, 'x')).error);
}

TEST_F(DatagramTest, SharesPeersOutAmongAGroup) {
  auto bound = here.bind_udp({kHere, 53}, 4);
  ASSERT_TRUE(bound);
  std::vector<Receiver> told(4);
  std::vector<std::unique_ptr<UdpSocket>> group;
  for (std::size_t i = 0; i < 4; ++i) group.push_back(here.attach(std::move((*bound)[i]), told[i]));
  std::vector<std::unique_ptr<UdpSocket>> clients(64);
  for (auto& each : clients) each = open(there, {kThere, 0}, client_told);
  for (int round = 0; round < 3; ++round) {
    for (const auto& client : clients) ASSERT_EQ(send(*client, {kHere, 53}, "x").sent, 1U);
  }
  clock.run_for(1s);
  std::map<Endpoint, std::set<const Receiver*>> members;
  for (const Receiver& each : told) {
    EXPECT_GT(each.peers.size(), 0U);
    for (const Endpoint& peer : each.peers) members[peer].insert(&each);
  }
  EXPECT_EQ(members.size(), 64U);
  for (const auto& [peer, of] : members) EXPECT_EQ(of.size(), 1U) << peer.to_string();
  group.erase(group.begin(), group.begin() + 3);
  for (const auto& client : clients) ASSERT_EQ(send(*client, {kHere, 53}, "x").sent, 1U);
  const std::size_t before = told[3].peers.size();
  clock.run_for(1s);
  EXPECT_EQ(told[3].peers.size(), before + 64);
}

TEST_F(DatagramTest, KeepsWhatComesBeforeItIsAttached) {
  auto bound = here.bind_udp({kHere, 53}, 1);
  ASSERT_TRUE(bound);
  const auto client = open(there, {kThere, 0}, client_told);
  for (int i = 0; i < 5000; ++i) send(*client, {kHere, 53}, std::to_string(i));
  clock.run_for(1s);
  SimLoop elsewhere{clock};
  SimNetwork network{internet, elsewhere, {kHere}};
  const auto server = network.attach(std::move(bound->front()), server_told);
  EXPECT_THAT(server_told.payloads, IsEmpty());
  clock.run_for(1s);
  ASSERT_EQ(server_told.payloads.size(), 4096U);
  for (std::size_t i = 0; i < 4096; ++i) ASSERT_EQ(server_told.payloads[i], std::to_string(i));
  EXPECT_EQ(server_told.largest, 256U);
  EXPECT_EQ(server_told.overrun, 5000U - 4096U);
}

TEST_F(DatagramTest, MayBeDestroyedWithinItsCallback) {
  auto server = open(here, {kHere, 53}, server_told);
  const auto client = open(there, {kThere, 0}, client_told);
  for (int i = 0; i < 1000; ++i) send(*client, {kHere, 53}, "x");
  server_told.then = [&] { server.reset(); };
  clock.run_for(1s);
  EXPECT_GE(server_told.payloads.size(), 1U);
  EXPECT_LE(server_told.payloads.size(), 256U);
  EXPECT_TRUE(here.bind_udp({kHere, 53}, 1));
}

TEST_F(DatagramTest, LosesRepeatsAndReordersAsThePathSays) {
  internet.post().set_path({.delay = 1ms, .loss = 0.1, .duplication = 0.2, .reordering = 0.1, .held = 5ms});
  const auto server = open(here, {kHere, 53}, server_told);
  const auto client = open(there, {kThere, 0}, client_told);
  constexpr int kCount = 10'000;
  for (int i = 0; i < kCount; ++i) {
    send(*client, {kHere, 53}, std::to_string(i));
    clock.run_for(100us);
  }
  clock.run_for(1s);
  std::map<int, int> copies;
  int overtaken = 0;
  int highest = -1;
  for (const std::string& each : server_told.payloads) {
    const int number = std::stoi(each);
    ++copies[number];
    if (number < highest) ++overtaken;
    highest = std::max(highest, number);
  }
  const auto twice =
      std::count_if(copies.begin(), copies.end(), [](const auto& each) { return each.second == 2; });
  EXPECT_NEAR(static_cast<double>(kCount - copies.size()), kCount * (0.8 * 0.1 + 0.2 * 0.01), kCount * 0.02);
  EXPECT_NEAR(static_cast<double>(twice), kCount * 0.2 * 0.81, kCount * 0.03);
  EXPECT_NEAR(overtaken, static_cast<double>(server_told.payloads.size()) * 0.1, kCount * 0.03);
}

TEST_F(DatagramTest, ChangesNothingOnAPlainPath) {
  const auto server = open(here, {kHere, 53}, server_told);
  const auto client = open(there, {kThere, 0}, client_told);
  std::vector<std::string> sent;
  for (int i = 0; i < 1000; ++i) {
    sent.push_back(std::to_string(i));
    send(*client, {kHere, 53}, sent.back());
  }
  clock.run_for(1s);
  EXPECT_EQ(server_told.payloads, sent);
}

}  // namespace
}  // namespace penstock
