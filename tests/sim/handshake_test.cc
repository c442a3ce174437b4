// What strangers and edges send before the first frame.
#include <gtest/gtest.h>

#include <algorithm>

#include "sim/scripted_peer.h"
#include "sim/world.h"

namespace penstock {
namespace {

class HandshakeTest : public testing::Test {
 protected:
  HandshakeTest() {
    world.start();
    dial();
  }
  void dial() {
    const std::size_t before = host.peers().size();
    host.dial(World::hub_endpoint());
    EXPECT_TRUE(world.run_until([&] { return host.peers().size() > before; }, 1s));
  }
  ScriptedPeer& peer() { return host.peer(); }
  Refusal refusal() {
    EXPECT_TRUE(world.run_until([&] { return peer().gone(); }, 3s));
    return parse_refusal(peer().line()).value_or(Refusal{});
  }

  World world{72};
  ScriptedHost host{world.internet, IpAddress::v4(0xc6336463), true};
};

TEST_F(HandshakeTest, WrongSecretAndUnknownEdgeAreToldAlike) {
  peer().send("EDGE edge-1 not-the-right-secret-at-all\n");
  const Refusal wrong = refusal();
  EXPECT_EQ(wrong.reason, "auth_failed");
  dial();
  peer().send("EDGE nobody not-the-right-secret-at-all\n");
  EXPECT_EQ(refusal(), wrong);
}

TEST_F(HandshakeTest, LineThatCannotBeRead) {
  peer().send("GET / HTTP/1.1\r\n");
  EXPECT_EQ(refusal().reason, "bad_handshake");
  world.run_for(2s);  // the hub waits a second for us to read that
  EXPECT_EQ(world.hub().journal().last("handshake_failed").text("reason"), "bad_handshake");
}

TEST_F(HandshakeTest, LineThatNeverEnds) {
  peer().send(std::string(513, 'x'));
  EXPECT_EQ(refusal().reason, "bad_handshake");
}

TEST_F(HandshakeTest, LineThatNeverComes) {
  peer().send("EDGE edge-1 ");
  world.run_for(9s);
  EXPECT_FALSE(peer().gone());
  ASSERT_TRUE(world.run_until([&] { return peer().gone(); }, 2s));
  EXPECT_EQ(world.hub().machine().count(PST_R_HANDSHAKE_TIMEOUT), 1U);
}

TEST_F(HandshakeTest, TooManyUnfinishedOnesOfOneSource) {
  for (int i = 0; i < 40; ++i) dial();
  world.run_for(10ms);
  const auto refused =
      std::count_if(host.peers().begin(), host.peers().end(), [](const auto& p) { return p->gone(); });
  EXPECT_EQ(refused, 41 - 32);
  EXPECT_EQ(world.hub().machine().count(PST_R_HANDSHAKE_LIMIT), 9U);
  world.run_for(11s);
  dial();
  world.run_for(10ms);
  EXPECT_FALSE(peer().gone());
}

TEST_F(HandshakeTest, FramesThatComeWithTheLineAreNotLost) {
  const Token token = decode_token(world.token("edge-1")).value();
  const std::string hello = to_json(HelloMessage{.instance = 9, .software = "test"});
  std::vector<std::byte> frames;
  append_frame(frames, 0, FrameType::kHello, as_bytes(hello));
  append_frame(frames, 0, FrameType::kPing, as_bytes("together"));
  peer().send("EDGE edge-1 " + token.secret + "\n" + std::string{as_text(frames)});
  ASSERT_TRUE(world.run_until([&] { return !peer().frames(FrameType::kPong).empty(); }, 1s));
  EXPECT_EQ(peer().frames(FrameType::kPong).front().payload, "together");
}

}  // namespace
}  // namespace penstock
