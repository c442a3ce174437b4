// A carrier over links in memory: every byte in and out is in a test's hands.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proto/messages.h"
#include "tunnel/framed_carrier.h"
#include "unit/tunnel/fake_link.h"
#include "unit/tunnel/fake_loop.h"

namespace penstock {

inline constexpr std::uint32_t kSession = wire::kSessionBit | 5;  // of the tests that need one

/// A frame as the peer heard it.
struct HeardFrame {
  std::uint32_t stream;
  FrameType type;
  std::string payload;
  bool operator==(const HeardFrame&) const = default;
};

/// Keeps what a carrier tells its owner.
struct FakeOwner final : CarrierObserver {
  struct Ending {
    std::uint32_t stream;
    Reason reason;
    std::string text;
    bool operator==(const Ending&) const = default;
  };
  void on_open(Stream& stream) override { opened.push_back(stream.id()); }
  void on_stream_closed(Stream& stream, Reason reason, const std::string& text) override {
    closed.push_back({stream.id(), reason, text});
  }
  void on_legacy_peer() override { ++legacy; }
  Result<void> on_message(FrameType type, Bytes payload) override {
    messages.emplace_back(type, as_text(payload));
    return {};
  }
  Result<void> on_session_frame(FrameType type, std::uint32_t session, Bytes payload) override {
    told.push_back({session, type, std::string{as_text(payload)}});
    if (!session_fault.empty()) return error(Errc::kProtocol, session_fault);
    return {};
  }
  void on_turn_end() override { told_by_turn_end.push_back(told.size()); }
  void on_go_away(const GoAwayMessage& message) override { going.push_back(message); }
  void on_carrier_closed(Reason reason, const std::string& text) override {
    ended.emplace(reason, text);
    if (then) then();
  }

  std::vector<std::uint32_t> opened;
  std::vector<Ending> closed;
  int legacy = 0;
  std::vector<std::pair<FrameType, std::string>> messages;
  std::vector<HeardFrame> told;               // frames of sessions
  std::vector<std::size_t> told_by_turn_end;  // how many of them, at the end of each turn
  std::string session_fault;                  // what the owner says against the next one
  std::vector<GoAwayMessage> going;
  std::optional<std::pair<Reason, std::string>> ended;
  std::function<void()> then;
};

class CarrierFixture : public testing::Test {
 protected:
  static constexpr std::string_view kOpen = "PROXY TCP4 203.0.113.9 198.51.100.9 40000 443\r\n";

  void start(Side side, Mode mode) {
    using namespace std::chrono_literals;
    const CarrierSettings settings{.side = side,
                                   .mode = mode,
                                   .ping = 4s,
                                   .timeout = 12s,
                                   .half_closed = 60s,
                                   .budget = &budget_,
                                   .counters = &counters_,
                                   .ledger = &ledger_,
                                   .datagram_queue = datagram_queue_};
    carrier_ = std::make_unique<FramedCarrier>(loop_, peer_->link(), settings, owner_, greeting_,
                                               std::move(leftover_));
    loop_.settle();
  }
  /// Whatever happens, nothing that was set aside for a stream may be left over.
  void TearDown() override {
    carrier_.reset();
    EXPECT_EQ(budget_.granted(), 0U);
  }

  static std::string frame(std::uint32_t stream, FrameType type, std::string_view payload) {
    std::vector<std::byte> out;
    append_frame(out, stream, type, as_bytes(payload));
    return std::string{as_text(out)};
  }
  void say(std::uint32_t stream, FrameType type, std::string_view payload = {}) {
    peer_->say(frame(stream, type, payload));
    loop_.settle();
  }
  void grant(std::uint32_t stream, FrameType type, std::uint32_t bytes) {
    std::array<std::byte, 4> payload{};
    store_u32(payload.data(), bytes);
    say(stream, type, as_text(payload));
  }
  void set_room(std::size_t room) {
    peer_->set_room(room);
    loop_.settle();
  }
  /// All whole frames that went out, behind the greeting.
  std::vector<HeardFrame> heard() const {
    std::vector<HeardFrame> frames;
    FrameReader reader;
    const std::string_view all = std::string_view{peer_->heard()}.substr(greeting_.size());
    reader.feed(as_bytes(all));
    bool goes_on = false;
    for (;;) {
      const auto part = reader.next();
      EXPECT_TRUE(part) << part.error().what;
      if (!part || !*part) return frames;
      if (!goes_on) frames.push_back({(*part)->header.stream, (*part)->header.type, {}});
      frames.back().payload += as_text((*part)->payload);
      goes_on = !(*part)->last;
    }
  }
  std::vector<HeardFrame> heard(FrameType type) const {
    std::vector<HeardFrame> frames = heard();
    std::erase_if(frames, [type](const HeardFrame& each) { return each.type != type; });
    return frames;
  }
  std::string data_of(std::uint32_t stream) const {
    std::string data;
    for (const HeardFrame& each : heard()) {
      if (each.stream == stream && is_data(each.type)) data += each.payload;
    }
    return data;
  }
  /// "OPEN DATA CLOSE": the types of all frames heard.
  std::string types() const {
    std::string out;
    for (const HeardFrame& each : heard()) out.append(out.empty() ? "" : " ").append(name_of(each.type));
    return out;
  }
  Reason reset_reason(std::uint32_t stream) const {
    for (const HeardFrame& each : heard(FrameType::kReset)) {
      if (each.stream == stream) return parse_reset(as_bytes(each.payload)).value().reason;
    }
    return PST_R_COMPLETED;
  }

  /// Edge: opens the next stream for a client.
  std::shared_ptr<FakePeer> open() {
    auto client = std::make_shared<FakePeer>(loop_);
    Flow flow;
    flow.client = Endpoint::parse("203.0.113.9:40000").value();
    flow.local = Endpoint::parse("198.51.100.9:443").value();
    EXPECT_TRUE(carrier_->open(client->link(), std::move(flow)));
    loop_.settle();
    return client;
  }
  /// Hub: gives a stream its backend.
  std::shared_ptr<FakePeer> attach(std::uint32_t stream, std::size_t room = SIZE_MAX) {
    auto backend = std::make_shared<FakePeer>(loop_);
    backend->set_room(room);
    carrier_->attach(stream, backend->link(), {});
    loop_.settle();
    return backend;
  }
  std::uint64_t count(Reason reason) const {
    return counters_.reasons[static_cast<std::size_t>(reason)].get();
  }

  FakeLoop loop_;
  WindowBudget budget_{4U << 20, 8};
  Counters counters_;
  Ledger ledger_;
  std::size_t datagram_queue_ = 1 << 20;
  FakeOwner owner_;
  std::shared_ptr<FakePeer> peer_ = std::make_shared<FakePeer>(loop_);
  std::string greeting_;
  std::vector<std::byte> leftover_;
  std::unique_ptr<Carrier> carrier_;
};

}  // namespace penstock
