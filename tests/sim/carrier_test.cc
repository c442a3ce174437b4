// A carrier alone, with a peer that the test plays, over paths that whole nodes rarely meet.
#include "tunnel/framed_carrier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/certificate.h"
#include "net/tls_link.h"
#include "sim/pattern.h"
#include "sim/scripted_peer.h"
#include "support/sim_link.h"
#include "support/sim_loop.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;

std::string text(std::size_t size) {
  std::string out(size, '\0');
  Pattern{1}.fill(0, {reinterpret_cast<std::byte*>(out.data()), size});
  return out;
}

/// An owner that lets everything happen.
class Owner final : public CarrierObserver {
 public:
  void on_open(Stream& /*stream*/) override {}
  void on_stream_closed(Stream& /*stream*/, Reason /*reason*/, const std::string& /*text*/) override {}
  void on_legacy_peer() override {}
  Result<void> on_message(FrameType /*type*/, Bytes /*payload*/) override { return {}; }
  Result<void> on_session_frame(FrameType /*type*/, std::uint32_t /*session*/, Bytes /*payload*/) override {
    return {};
  }
  void on_turn_end() override {}
  void on_go_away(const GoAwayMessage& /*message*/) override {}
  void on_carrier_closed(Reason /*reason*/, const std::string& /*text*/) override {}
};

class CarrierTest : public testing::Test {
 protected:
  std::shared_ptr<SimWire> connect(const SimPath& path) {
    auto wire = std::make_shared<SimWire>(clock, faults, path, Endpoint{}, Endpoint{}, ++seed);
    for (const auto side : {SimWire::kDialler, SimWire::kListener}) wire->attach(side, loop, 0);
    return wire;
  }
  static std::unique_ptr<Link> end_of(const std::shared_ptr<SimWire>& wire, SimWire::Side side) {
    return std::make_unique<SimLink>(wire, side);
  }
  /// The carrier of a hub; the peer has not said anything yet.
  void make(std::unique_ptr<Link> link) {
    carrier = std::make_unique<FramedCarrier>(loop, std::move(link),
                                              CarrierSettings{.side = Side::kHub,
                                                              .mode = Mode::kUndecided,
                                                              .ping = 5s,
                                                              .timeout = 15s,
                                                              .half_closed = 1h,
                                                              .budget = &budget,
                                                              .counters = &counters,
                                                              .ledger = &ledger},
                                              owner, "greeting\n", std::vector<std::byte>{});
  }
  void connect_peer(const SimPath& path = {}) {
    const auto tunnel = connect(path);
    peer.emplace(end_of(tunnel, SimWire::kDialler), true);
    make(end_of(tunnel, SimWire::kListener));
  }
  void say_hello() {
    peer->send(0, FrameType::kHello, "hello");
    clock.run_for(1s);
    ASSERT_EQ(peer->line(), "greeting");
  }
  /// Joins a stream of the hub with a backend that the test plays.
  ScriptedPeer& open(std::uint32_t stream) {
    peer->send(stream, FrameType::kOpen, kOpen);
    clock.run_for(10ms);
    const auto wire = connect({.send_buffer = 1 << 20, .receive_buffer = 1 << 20});
    backends.push_back(std::make_unique<ScriptedPeer>(end_of(wire, SimWire::kListener), false));
    carrier->attach(stream, end_of(wire, SimWire::kDialler), as_bytes("hi\n"));
    return *backends.back();
  }

  SimClock clock;
  SimLoop loop{clock};
  SimFaults faults;
  std::uint64_t seed = 0;
  WindowBudget budget{16U << 20, 64};
  Counters counters;
  Ledger ledger;
  Owner owner;
  std::vector<std::unique_ptr<ScriptedPeer>> backends;
  std::optional<ScriptedPeer> peer;
  std::unique_ptr<Carrier> carrier;
};

TEST_F(CarrierTest, SendsFullFramesWhileThereIsEnoughToSend) {
  connect_peer();
  say_hello();
  ScriptedPeer& one = open(1);
  ScriptedPeer& two = open(2);
  for (const std::uint32_t stream : {1U, 2U}) peer->send(stream, FrameType::kWindowUpdate, u32(10'000'000));
  clock.run_for(10ms);
  one.send(text(3'000'000));
  two.send(text(3'000'000));
  clock.run_for(1s);
  EXPECT_EQ(peer->data(1), text(3'000'000));
  EXPECT_EQ(peer->data(2), text(3'000'000));
  const auto frames = peer->frames(FrameType::kDataBack);
  EXPECT_LT(frames.size(), 6'000'000 / wire::kMaxDataSent * 5 / 4);
  for (const ScriptedFrame& frame : frames) EXPECT_LE(frame.header.length, wire::kMaxDataSent);
}

TEST_F(CarrierTest, GivesTheMemoryOfALegacyPeersQueueBackWhenItIsDestroyed) {
  connect_peer({.send_buffer = 8U << 20, .receive_buffer = 8U << 20});
  peer->send(1, FrameType::kOpen, kOpen);
  peer->send(1, FrameType::kData, text(1 << 20));
  clock.run_for(1s);
  EXPECT_GT(budget.granted(), 900'000U);
  carrier.reset();
  EXPECT_EQ(budget.granted(), 0U);
}

TEST_F(CarrierTest, NeverWritesAFrameIntoAnother) {
  connect_peer({.send_buffer = 700, .receive_buffer = 1500, .pieces = 400});
  say_hello();
  ScriptedPeer& one = open(1);
  ScriptedPeer& two = open(2);
  one.send(text(16'384));
  two.send(text(16'384));
  for (int i = 0; i < 500; ++i) peer->send(0, FrameType::kPing, text(64));
  carrier->send(FrameType::kConfig, as_bytes(text(200'000)));
  clock.run_for(60s);
  EXPECT_EQ(peer->data(1), text(16'384));
  EXPECT_EQ(peer->data(2), text(16'384));
  ASSERT_EQ(peer->frames(FrameType::kConfig).size(), 1U);
  EXPECT_EQ(peer->frames(FrameType::kConfig).front().payload, text(200'000));
  EXPECT_EQ(peer->frames(FrameType::kPong).size(), 500U);
  for (const ScriptedFrame& pong : peer->frames(FrameType::kPong)) EXPECT_EQ(pong.payload, text(64));
}

/// A peer asks more than it reads answers, so that the carrier stops reading; then it reads. Over TLS what
/// was asked may all lie in the TLS link by then, and no readiness of the socket tells of it.
class PausedCarrierTest : public CarrierTest, public testing::WithParamInterface<bool> {
 protected:
  bool over_tls() const { return GetParam(); }
  void connect_peer_with_room() {
    const auto tunnel = connect({.send_buffer = 1U << 17, .receive_buffer = 1U << 17});
    auto near = end_of(tunnel, SimWire::kListener);
    auto far = end_of(tunnel, SimWire::kDialler);
    if (over_tls()) {
      near = std::make_unique<TlsLink>(std::move(near), *server, "");
      far = std::make_unique<TlsLink>(std::move(far), *client, "hub");
    }
    peer.emplace(std::move(far), true);
    make(std::move(near));
    say_hello();
  }

  const KeyAndCertificate key = make_certificate("hub").value();
  const std::unique_ptr<TlsContext> server = TlsContext::server(key.certificate_pem, key.key_pem).value();
  const std::unique_ptr<TlsContext> client =
      TlsContext::client_pinned({public_key_hash_of_pem(key.certificate_pem).value()}).value();
};

TEST_P(PausedCarrierTest, GoesOnReadingOnceItsAnswersAreTaken) {
  std::size_t paused = 0;
  // Somewhere here the last question has just been read from the socket when the carrier stops.
  for (std::size_t questions = 7000; questions < 9500; questions += 100) {
    connect_peer_with_room();
    peer->stop_reading();
    for (std::size_t i = 0; i < questions; ++i) peer->send(0, FrameType::kPing, text(64));
    clock.run_for(100ms);
    paused += carrier->report().received < questions * 73 ? 1 : 0;
    peer->read_again();
    clock.run_for(1s);
    ASSERT_EQ(peer->frames(FrameType::kPong).size(), questions);
  }
  EXPECT_GT(paused, 5U);
}

INSTANTIATE_TEST_SUITE_P(Links, PausedCarrierTest, testing::Bool(),
                         [](const auto& param) { return param.param ? "Tls" : "Plain"; });

}  // namespace
}  // namespace penstock
