// What an edge says of its sessions to the hub's next carrier.
#include <gmock/gmock.h>

#include "sim/scripted_hub.h"
#include "sim/sim_datagrams.h"

namespace penstock {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class NextHubTest : public ScriptedHubTest {
 protected:
  /// A session that was answered, whose carrier is lost; the next one's handshake is done.
  void move_on(const std::vector<std::string>& features) {
    assign();
    client.send({edge->address(), 53}, "question");
    ASSERT_TRUE(world.run_until([&] { return !peer().frames(FrameType::kUdpData).empty(); }, 1s));
    session = peer().frames(FrameType::kUdpOpen).front().header.stream;
    peer().send(session, FrameType::kUdpDataBack, "answer");
    ASSERT_TRUE(world.run_until([&] { return !client.got().empty(); }, 1s));
    peer().reset();
    ASSERT_TRUE(
        world.run_until([&] { return host.peers().size() == 2 && !host.peer().line().empty(); }, 10s));
    host.peer().send(to_line(assignment(features)));
    ASSERT_TRUE(world.run_until([&] { return !host.peer().frames(FrameType::kHello).empty(); }, 1s));
    world.run_for(3s);
  }
  std::string named() { return host.peer().frames(FrameType::kHello).front().payload; }

  SimDatagrams client{world.internet, {IpAddress::v4(0xcb007101), 4000}};
  std::uint32_t session = 0;
};

TEST_F(NextHubTest, IsAskedOnceToTakeASessionOver) {
  move_on({"something", "udp_move"});
  EXPECT_THAT(named(), HasSubstr(R"("features":["udp_move"])"));
  const auto asked = host.peer().frames(FrameType::kUdpMove);
  ASSERT_EQ(asked.size(), 1U) << "however long it does not answer";
  EXPECT_EQ(asked.front().header.stream, session);
  EXPECT_EQ(asked.front().payload, peer().frames(FrameType::kUdpOpen).front().payload);
  EXPECT_THAT(host.peer().frames(FrameType::kUdpOpen), IsEmpty());

  client.send({edge->address(), 53}, "more");
  world.run_for(10ms);
  EXPECT_EQ(host.peer().frames(FrameType::kUdpOpen, session).size(), 1U) << "it did not say that it knows it";
  EXPECT_EQ(host.peer().frames(FrameType::kUdpData, session).size(), 1U);
}

TEST_F(NextHubTest, HasASessionThatItConfirmed) {
  move_on({"udp_move"});
  host.peer().send(session, FrameType::kUdpOpenAck, "");
  world.run_for(10ms);
  client.send({edge->address(), 53}, "more");
  world.run_for(10ms);
  EXPECT_THAT(host.peer().frames(FrameType::kUdpOpen), IsEmpty());
  EXPECT_EQ(host.peer().frames(FrameType::kUdpData, session).size(), 1U);
}

TEST_F(NextHubTest, IsNotAskedForWhatItDoesNotKnow) {
  move_on({});
  EXPECT_THAT(named(), HasSubstr(R"("features":[])"));
  EXPECT_THAT(host.peer().frames(FrameType::kUdpMove), IsEmpty());
}

}  // namespace
}  // namespace penstock
