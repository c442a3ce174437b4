// A carrier of QUIC under a peer, a network and an owner that do everything in every order: nothing of any
// flow is left when it ends, and the books balance.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "fuzz/check.h"
#include "proto/quic_datagram.h"
#include "tunnel/quic_carrier.h"
#include "unit/tunnel/fake_link.h"
#include "unit/tunnel/fake_loop.h"
#include "unit/tunnel/fake_quic.h"

namespace {

using namespace penstock;

constexpr std::string_view kLine = "PROXY TCP4 203.0.113.9 198.51.100.9 40000 443\r\n";

class Owner final : public CarrierObserver {
 public:
  void on_open(Stream& stream) override {
    check(!ended, "nothing opens behind the end");
    opened.push_back(stream.id());
  }
  void on_stream_closed(Stream& stream, Reason, const std::string&) override {
    std::erase(opened, stream.id());
  }
  void on_legacy_peer() override { check(false, "there is no legacy mode over QUIC"); }
  Result<void> on_message(FrameType, Bytes) override { return {}; }
  Result<void> on_session_frame(FrameType, std::uint32_t session, Bytes) override {
    check((session & wire::kSessionBit) != 0, "a session's id has its bit");
    if (session % 256 == 0xff) return error(Errc::kProtocol, "no such session");
    return {};
  }
  void on_turn_end() override {}
  void on_go_away(const GoAwayMessage&) override {}
  void on_carrier_closed(Reason, const std::string&) override {
    check(!ended, "the end is told once");
    ended = true;
  }

  std::vector<std::uint32_t> opened;
  bool ended = false;
};

/// The input, as the steps of a play.
class Script {
 public:
  explicit Script(Bytes bytes) : bytes_{bytes} {}
  bool over() const { return bytes_.empty(); }
  std::size_t number() {
    if (over()) return 0;
    const auto first = std::to_integer<std::size_t>(bytes_.front());
    bytes_ = bytes_.subspan(1);
    return first;
  }
  std::string_view text() {
    const std::size_t wanted = number();
    const std::size_t size = std::min(wanted, bytes_.size());
    const Bytes part = bytes_.first(size);
    bytes_ = bytes_.subspan(size);
    return as_text(part);
  }

 private:
  Bytes bytes_;
};

class Play {
 public:
  explicit Play(Side side) : side_{side} {
    using namespace std::chrono_literals;
    auto made = std::make_unique<FakeQuic>(side == Side::kHub);
    quic_ = made.get();
    auto link = std::make_unique<QuicLink>(loop_, std::move(made));
    QuicLink& carries = *link;
    if (side == Side::kHub) quic_->streams.try_emplace(0);
    quic_->establish();
    const CarrierSettings settings{.side = side,
                                   .mode = Mode::kPenstock,
                                   .ping = 4s,
                                   .timeout = 12s,
                                   .half_closed = 30s,
                                   .budget = &budget_,
                                   .counters = &counters_,
                                   .ledger = &ledger_,
                                   .datagram_queue = 8192};
    carrier_ = std::make_unique<QuicCarrier>(loop_, std::move(link), carries, settings, owner_, "",
                                             std::vector<std::byte>{});
    loop_.settle();
  }
  ~Play() {
    carrier_.reset();
    check(budget_.granted() == 0, "nothing that was set aside is left over");
    check(!owner_.ended || owner_.opened.empty(), "flows are closed before their carrier");
    for (const LedgerRow& row : ledger_.rows()) check(row.balances(), "the books balance");
  }
  Play(const Play&) = delete;
  Play& operator=(const Play&) = delete;

  bool over() const { return owner_.ended; }
  void step(Script& script) {
    const std::size_t what = script.number() % 16;
    if (what < 8) {
      hear(what, script);
    } else {
      act(what, script);
    }
    loop_.settle();
  }

 private:
  /// A few streams of the flows', and of the hub's own.
  QuicStreamId stream(Script& script) {
    const std::size_t number = script.number() % 8;
    return static_cast<QuicStreamId>(number < 6 ? 4 * (number + 1) : 4 * (number - 6) + 1);
  }
  bool may_begin(QuicStreamId id) const { return (id % 4 == 0) == (side_ == Side::kHub); }

  void hear(std::size_t what, Script& script) {
    const QuicStreamId id = stream(script);
    switch (what) {
      case 0:
      case 1:
        if (may_begin(id) || quic_->streams.contains(id)) quic_->data(id, script.text(), what == 1);
        return;
      case 2:
        if (may_begin(id)) quic_->data(id, quic_open(kLine));
        return;
      case 3:
        return quic_->reset(id, script.number());
      case 4:
        return quic_->close_stream(id);
      case 5:
        return quic_->datagram(script.text());
      case 6:
        return quic_->data(0, script.text());
      default:
        return quic_->turn_end();
    }
  }

  void act(std::size_t what, Script& script) {
    switch (what) {
      case 8:
        return quic_->send(1 + script.number());
      case 9:
        return quic_->acknowledge(stream(script));
      case 10:
        return quic_->credit(stream(script), 100 * script.number());
      case 11:
        return loop_.advance(std::chrono::milliseconds{40 * script.number()});
      case 12:
        return send_datagram(257 * script.number());
      case 13:
        return join(script);
      case 14:
        quic_->room = 20 + 8 * script.number();
        return;
      default:
        return decide(script);
    }
  }
  void send_datagram(std::size_t size) {
    ServiceLedger& books = ledger_.of("game");
    LedgerLine& line = side_ == Side::kEdge ? books.to_backend : books.to_client;
    const std::string payload(size, 'd');
    line.receive(size);
    if (!carrier_->send_datagram(FrameType::kUdpData, wire::kSessionBit | 3, as_bytes(payload), line))
      line.drop(PST_R_QUEUE_FULL, size);
  }

  /// An edge's client, or a hub's backend, with something to say.
  void join(Script& script) {
    auto end = std::make_shared<FakePeer>(loop_);
    end->set_room(257 * script.number());
    end->say(script.text());
    if (script.number() % 2 == 1) end->end();
    if (side_ == Side::kEdge) {
      const auto opened = carrier_->open(end->link(), {});
      (void)opened;
    } else if (!owner_.opened.empty()) {
      const std::uint32_t id = owner_.opened.front();
      if (!carrier_->find(id)->attached()) carrier_->attach(id, end->link(), {});
    }
    ends_.push_back(std::move(end));
  }

  void decide(Script& script) {
    const std::size_t what = script.number() % 5;
    if (what == 0) return carrier_->resume();
    if (what == 1)
      return carrier_->reset(static_cast<std::uint32_t>(1 + script.number() % 6), PST_R_IDLE_TIMEOUT, "idle");
    if (what == 2 && !ends_.empty()) return ends_.back()->fail(boost::system::errc::connection_reset);
    if (what == 3 && !ends_.empty()) return ends_.back()->set_room(SIZE_MAX);
    if (what == 4 && script.number() % 4 == 0) carrier_->close(PST_R_SHUTDOWN, "enough");
  }

  const Side side_;
  FakeLoop loop_;
  WindowBudget budget_{1U << 20, 8};
  Counters counters_;
  Ledger ledger_;
  Owner owner_;
  std::vector<std::shared_ptr<FakePeer>> ends_;
  FakeQuic* quic_ = nullptr;
  std::unique_ptr<Carrier> carrier_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Script script{std::as_bytes(std::span{data, size})};
  Play play{script.number() % 2 == 0 ? Side::kHub : Side::kEdge};
  while (!script.over() && !play.over()) play.step(script);
  return 0;
}
