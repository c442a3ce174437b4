// A carrier of QUIC over a connection in memory.
#pragma once

#include "proto/proxy_header.h"
#include "proto/quic_datagram.h"
#include "tunnel/quic_carrier.h"
#include "unit/tunnel/carrier_fixture.h"
#include "unit/tunnel/fake_quic.h"

namespace penstock {

class QuicCarrierFixture : public CarrierFixture {
 protected:
  using Type = wire::QuicDatagramType;
  static constexpr std::uint32_t kSession = wire::kSessionBit | 7;

  /// A hub's is held, as it is between HELLO and its place at the hub.
  void start(Side side) {
    using namespace std::chrono_literals;
    const bool hub = side == Side::kHub;
    auto made = std::make_unique<FakeQuic>(hub);
    quic_ = made.get();
    auto link = std::make_unique<QuicLink>(loop_, std::move(made));
    QuicLink& carries = *link;
    if (hub) quic_->streams.try_emplace(0);
    quic_->establish();
    const CarrierSettings settings{.side = side,
                                   .mode = Mode::kPenstock,
                                   .ping = 4s,
                                   .timeout = 60s,
                                   .half_closed = 60s,
                                   .budget = &budget_,
                                   .counters = &counters_,
                                   .ledger = &ledger_,
                                   .datagram_queue = datagram_queue_};
    carrier_ = std::make_unique<QuicCarrier>(loop_, std::move(link), carries, settings, owner_, "",
                                             std::vector<std::byte>{});
    settle();
  }
  void start_hub() {
    start(Side::kHub);
    carrier_->resume();
    settle();
  }
  /// Runs what is to be done now, and sends it.
  void settle() {
    for (int i = 0; i < 3; ++i) {
      loop_.settle();
      if (!owner_.ended) quic_->send();
    }
    loop_.settle();
  }
  void end_turn() {
    quic_->turn_end();
    settle();
  }
  /// A frame of the peer's on the control stream, and the end of that turn.
  void say_control(std::uint32_t stream, FrameType type, std::string_view payload) {
    quic_->data(0, frame(stream, type, payload));
    end_turn();
  }
  /// The frames of one type that were sent on the control stream.
  std::vector<HeardFrame> control(FrameType type) {
    std::vector<HeardFrame> frames;
    FrameReader reader;
    reader.feed(as_bytes(quic_->sent(0)));
    for (auto part = reader.next().value(); part; part = reader.next().value()) {
      if (part->header.type == type)
        frames.push_back({part->header.stream, part->header.type, std::string{as_text(part->payload)}});
    }
    return frames;
  }
  static std::string open_of_flow() { return quic_open(kOpen); }
  static std::string head(Type type) { return std::string{as_text(quic_datagram_head(type, kSession))}; }
  static std::string proxy_header() {
    return std::string{as_text(proxy_v2_datagram({.client = Endpoint::parse("203.0.113.9:40000").value(),
                                                  .local = Endpoint::parse("198.51.100.9:53").value()})
                                   .view())};
  }
  LedgerLine& line() { return ledger_.of("game", "").to_backend; }

  FakeQuic* quic_ = nullptr;
};

}  // namespace penstock
