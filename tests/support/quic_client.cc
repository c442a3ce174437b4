// A client of QUIC that does what its arguments say and prints what comes back, for cases that break the
// rules.
//
//   quic_client HUB:PORT [ACTION...]    control:HEX   bytes on the control stream
//                                       stream:HEX    bytes on a new stream, which stays open
//                                       end:HEX       the same, and the end of our direction
//                                       datagram:HEX  one datagram
//                                       times:N       does the next action N times
//                                       answer        waits until something has come on the control stream
//                                       deaf          permits no more bytes on any stream from here on
//                                       vanish        ends behind its first packet, without a word
//
// Actions begin when the handshake is done. Ends when the connection has.
#include <algorithm>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <string>
#include <vector>

#include "net/asio_loop.h"
#include "net/asio_network.h"
#include "quic/quic_endpoint.h"
#include "quic/quic_tls.h"
#include "quic/send_buffer.h"

namespace penstock {
namespace {

constexpr QuicStreamId kControl = 0;

std::string from_hex(std::string_view hex) {
  std::string out;
  for (std::size_t at = 0; at + 1 < hex.size(); at += 2)
    out.push_back(static_cast<char>(std::stoi(std::string{hex.substr(at, 2)}, nullptr, 16)));
  return out;
}

/// Trusts every hub. One line is printed for each thing that happens.
class Client final : private QuicObserver {
 public:
  Client(AsioLoop& loop, QuicEndpoint& endpoint, const Endpoint& hub, QuicTls& tls,
         std::deque<std::string> actions)
      : loop_{loop},
        actions_{std::move(actions)},
        connection_{endpoint.dial(hub, 0, tls, "", static_cast<QuicObserver&>(*this))} {}

 private:
  /// Until the next one has to wait.
  void act() {
    while (!actions_.empty() && (actions_.front() != "answer" || answered_)) {
      const std::string action = actions_.front();
      actions_.pop_front();
      const std::size_t colon = std::min(action.find(':'), action.size());
      const std::string rest = action.substr(std::min(colon + 1, action.size()));
      const std::string what = action.substr(0, colon);
      if (what == "times") {
        times_ = std::stoul(rest);
        continue;
      }
      for (std::size_t i = std::exchange(times_, 1); i > 0; --i) act(what, from_hex(rest));
    }
    connection_->flush_soon();
  }

  void act(const std::string& what, const std::string& bytes) {
    if (what == "datagram") return datagrams_.push_back(bytes);
    if (what == "deaf") deaf_ = true;
    if (what == "control") send(kControl, bytes, false);
    if (what != "stream" && what != "end") return;
    if (const auto opened = connection_->open_stream()) return send(*opened, bytes, what == "end");
    std::cout << "refused a stream" << std::endl;
  }

  void send(QuicStreamId id, const std::string& bytes, bool end) {
    SendBuffer* const buffer = connection_->buffer(id);
    if (buffer == nullptr) return;
    buffer->append(as_bytes(bytes));
    if (end) connection_->finish(id);
    active_.push_back(id);
  }

  void on_established() override {
    std::cout << "established" << std::endl;
    if (const auto control = connection_->open_stream(); !control || *control != kControl)
      return loop_.stop();
    act();
  }
  void on_stream_data(QuicStreamId id, Bytes data, bool end) override {
    std::cout << "stream " << id << (end ? " ended: " : ": ") << as_text(data) << std::endl;
    if (!deaf_) connection_->grant(id, data.size());
    answered_ = answered_ || id == kControl;
    act();
  }
  void on_stream_reset(QuicStreamId id, std::uint64_t code) override {
    std::cout << "reset " << id << ": " << code << std::endl;
  }
  void on_stream_credit(QuicStreamId id) override {
    active_.push_back(id);
    connection_->flush_soon();
  }
  void on_stream_acknowledged(QuicStreamId /*id*/, std::size_t /*bytes*/) override {}
  void on_stream_closed(QuicStreamId id) override { std::erase(active_, id); }
  void on_datagram(Bytes datagram) override { std::cout << "datagram: " << as_text(datagram) << std::endl; }
  void on_turn_end() override {}

  void fill(QuicPacket& packet) override {
    for (bool taken = true; taken && !datagrams_.empty();) {
      const auto outcome = packet.add_datagram(as_bytes(datagrams_.front()), taken);
      if (taken) datagrams_.pop_front();
      if (outcome == QuicPacket::Outcome::kFull) return;
    }
    while (!active_.empty()) {
      std::size_t taken = 0;
      const QuicStreamId id = active_.front();
      const auto outcome = packet.add_stream(id, taken);
      if (outcome == QuicPacket::Outcome::kFull) return;
      const SendBuffer* const buffer = connection_->buffer(id);
      const bool more =
          outcome == QuicPacket::Outcome::kTaken && buffer != nullptr && buffer->unsent_bytes() > 0;
      if (!more) active_.pop_front();
    }
  }

  void on_quic_closed(const Error& error, std::uint64_t code) override {
    std::cout << "closed " << code << ": " << error.what << std::endl;
    loop_.stop();
  }

  AsioLoop& loop_;
  std::deque<std::string> actions_;
  std::size_t times_ = 1;
  bool answered_ = false;
  bool deaf_ = false;
  std::deque<QuicStreamId> active_;  // with something to send
  std::deque<std::string> datagrams_;
  const std::unique_ptr<QuicConnection> connection_;
};

int run(const std::string& where, std::deque<std::string> actions) {
  const auto hub = Endpoint::parse(where);
  if (!hub) {
    std::cerr << where << " is no ADDRESS:PORT" << std::endl;
    return 2;
  }
  const bool vanishes = !actions.empty() && actions.front() == "vanish";
  AsioLoop loop;
  AsioNetwork network{loop};
  auto sockets = network.bind_quic({hub->address.is_v4() ? IpAddress::v4(0) : IpAddress{}, 0}, 1);
  if (!sockets) {
    std::cerr << sockets.error().what << std::endl;
    return 1;
  }
  const auto tls = QuicTls::client_unverified().value();
  const auto endpoint = QuicEndpoint::client(loop, network, std::move(sockets->front()), {});
  const Client client{loop, *endpoint, *hub, *tls, std::move(actions)};
  if (vanishes) loop.post([] { std::_Exit(0); });  // behind the turn that sends
  loop.run();
  return 0;
}

}  // namespace
}  // namespace penstock

int main(int count, char** arguments) {
  if (count < 2) {
    std::cerr << "usage: quic_client HUB:PORT [ACTION...]" << std::endl;
    return 2;
  }
  return penstock::run(arguments[1], {arguments + 2, arguments + count});
}
