// A QUIC connection in memory, whose peer a test plays by hand.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "quic/quic_connection.h"
#include "quic/send_buffer.h"

namespace penstock {

/// Owned by the link that is made with it; a test keeps a pointer. What is sent goes into packets only when
/// the test asks for some, and is acknowledged only when it says so.
class FakeQuic final : public QuicConnection {
 public:
  struct Stream {
    SendBuffer buffer;
    bool finishing = false;
    bool end_sent = false;
    bool peer_ended = false;         // or it aborted its direction
    std::uint64_t credit = 1 << 20;  // bytes that may still be sent
    std::uint64_t granted = 0;
    std::string sent;
    std::size_t acknowledged = 0;  // of `sent`
  };

  explicit FakeQuic(bool server) : server_{server} {}

  // What the peer does. A turn ends with turn_end().
  void establish() { observer_->on_established(); }
  void data(QuicStreamId id, std::string_view bytes, bool end = false) {
    if (gone_.contains(id)) return;
    const bool over = std::exchange(streams[id].peer_ended, streams[id].peer_ended || end);
    if (!over && !resets.contains(id)) observer_->on_stream_data(id, as_bytes(bytes), end);
  }
  void datagram(std::string_view bytes) { observer_->on_datagram(as_bytes(bytes)); }
  void reset(QuicStreamId id, std::uint64_t code) {
    if (!streams.contains(id)) return;
    streams[id].peer_ended = true;
    if (!resets.contains(id)) observer_->on_stream_reset(id, code);
  }
  void credit(QuicStreamId id, std::uint64_t bytes) {
    if (!streams.contains(id) || resets.contains(id)) return;
    streams[id].credit += bytes;
    observer_->on_stream_credit(id);
  }
  /// Everything that was sent on the stream has arrived.
  void acknowledge(QuicStreamId id) {
    if (!streams.contains(id)) return;
    Stream& stream = streams[id];
    const std::size_t bytes = stream.sent.size() - std::exchange(stream.acknowledged, stream.sent.size());
    if (bytes == 0) return;
    stream.buffer.acknowledged(bytes);
    if (!resets.contains(id)) observer_->on_stream_acknowledged(id, bytes);
  }
  /// The id means nothing any more; what was sent on it is kept.
  void close_stream(QuicStreamId id) {
    if (!streams.contains(id)) return;
    observer_->on_stream_closed(id);
    gone_[id] = std::move(streams[id].sent);
    streams.erase(id);
  }
  void turn_end() { observer_->on_turn_end(); }
  void fail(const Error& error, std::uint64_t code) { observer_->on_quic_closed(error, code); }

  /// Fills packets while there is something to send, at most so many.
  void send(std::size_t packets = 1000) {
    while (packets-- > 0 && std::exchange(wants_, false)) {
      Packet packet{*this};
      observer_->fill(packet);
      wants_ = packet.full();
    }
  }
  const std::string& sent(QuicStreamId id) { return streams.contains(id) ? streams[id].sent : gone_[id]; }

  // QuicConnection
  void observe(QuicObserver* observer) override { observer_ = observer; }
  const Endpoint& peer() const override { return peer_; }
  const Endpoint& local() const override { return peer_; }
  bool is_server() const override { return server_; }
  std::string cipher() const override { return "none"; }
  QuicReport report() const override { return {}; }
  Result<QuicStreamId> open_stream() override {
    if (streams_left == 0) return error(Errc::kLimit, "the peer permits no more streams for now");
    --streams_left;
    const QuicStreamId id = next_ * 4 + (server_ ? 1 : 0);
    ++next_;
    streams.try_emplace(id);
    return id;
  }
  SendBuffer* buffer(QuicStreamId id) override {
    return streams.contains(id) && !resets.contains(id) ? &streams[id].buffer : nullptr;
  }
  void finish(QuicStreamId id) override {
    if (streams.contains(id)) streams[id].finishing = true;
  }
  std::uint64_t stream_credit(QuicStreamId id) const override {
    const auto found = streams.find(id);
    return found == streams.end() ? 0 : found->second.credit;
  }
  void permit_streams() override { permits_streams = true; }
  void grant(QuicStreamId id, std::uint64_t bytes) override {
    if (streams.contains(id)) streams[id].granted += bytes;
  }
  void reset_stream(QuicStreamId id, std::uint64_t code) override {
    if (streams.contains(id)) resets.emplace(id, code);
  }
  std::uint64_t bytes_in(Duration span) const override {
    return bytes_a_second * static_cast<std::uint64_t>(span / std::chrono::microseconds{1}) / 1'000'000;
  }
  std::size_t datagram_room() const override { return room; }
  void flush_soon() override { wants_ = true; }
  void close(std::uint64_t /*code*/, std::string_view /*text*/) override {}

  std::map<QuicStreamId, Stream> streams;
  std::map<QuicStreamId, std::uint64_t> resets;  // by us, with their codes
  std::vector<std::string> datagrams;            // sent
  int turns = 0;                                 // that were to begin
  bool turns_may_begin = true;                   // in this run of packets
  std::size_t room = 1200;                       // of a datagram, and of a packet
  std::uint64_t bytes_a_second = 1 << 30;        // of the path
  std::size_t streams_left = 1000;               // that the peer permits
  bool permits_streams = false;                  // that the peer opens: more than the first

 private:
  class Packet final : public QuicPacket {
   public:
    explicit Packet(FakeQuic& quic) : quic_{quic}, left_{quic.room} {}
    bool full() const { return left_ == 0; }

    bool begin_turn() override {
      ++quic_.turns;
      return quic_.turns_may_begin;
    }
    Outcome add_stream(QuicStreamId id, std::size_t& taken) override {
      taken = 0;
      if (left_ == 0) return Outcome::kFull;
      const auto found = quic_.streams.find(id);
      if (found == quic_.streams.end() || quic_.resets.contains(id) || found->second.end_sent)
        return Outcome::kGone;
      Stream& stream = found->second;
      const Bytes unsent = stream.buffer.unsent();
      if (!unsent.empty() && stream.credit == 0) return Outcome::kBlocked;
      taken = std::min({unsent.size(), left_, static_cast<std::size_t>(stream.credit)});
      stream.sent += as_text(unsent.first(taken));
      stream.buffer.sent(taken);
      stream.credit -= taken;
      left_ -= taken;
      stream.end_sent = stream.finishing && stream.buffer.unsent_bytes() == 0;
      return left_ == 0 ? Outcome::kFull : Outcome::kTaken;
    }
    Outcome add_datagram(Bytes datagram, bool& taken) override {
      taken = datagram.size() <= left_;
      if (taken) {
        quic_.datagrams.emplace_back(as_text(datagram));
        left_ -= datagram.size();
        return left_ == 0 ? Outcome::kFull : Outcome::kTaken;
      }
      left_ = 0;
      return Outcome::kFull;
    }

   private:
    FakeQuic& quic_;
    std::size_t left_;
  };

  const bool server_;
  const Endpoint peer_;
  QuicObserver* observer_ = nullptr;
  QuicStreamId next_ = 0;
  std::map<QuicStreamId, std::string> gone_;
  bool wants_ = false;
};

}  // namespace penstock
