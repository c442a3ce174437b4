// One end of a QUIC connection in tests: keeps all it is told, and sends what it was given.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "quic/quic_endpoint.h"
#include "quic/send_buffer.h"

namespace penstock {

class QuicPeer final : public QuicObserver {
 public:
  QuicPeer() = default;
  QuicPeer(const QuicPeer&) = delete;
  QuicPeer& operator=(const QuicPeer&) = delete;

  QuicStreamId open(const std::string& text, bool end) {
    const auto id = connection->open_stream();
    EXPECT_TRUE(id) << (id ? "" : id.error().what);
    if (!id) return -1;
    send(*id, text, end);
    return *id;
  }
  void send(QuicStreamId id, const std::string& text, bool end) {
    connection->buffer(id)->append(as_bytes(text));
    if (end) connection->finish(id);
    active.push_back(id);
    connection->flush_soon();
  }
  void send_datagram(const std::string& text) {
    datagrams_out.push_back(text);
    connection->flush_soon();
  }

  void on_established() override {
    EXPECT_FALSE(established);
    established = true;
    if (then_established) then_established();
  }
  void on_stream_data(QuicStreamId id, Bytes data, bool end) override {
    EXPECT_TRUE(established);
    EXPECT_FALSE(ended.contains(id)) << "data behind the end";
    received[id].append(as_text(data));
    if (end) ended.insert(id);
    if (grants) connection->grant(id, data.size());
    if (echoes) send(id, std::string{as_text(data)}, end);
    if (then_data) then_data(id);
  }
  void on_stream_reset(QuicStreamId id, std::uint64_t why_reset) override { resets[id] = why_reset; }
  void on_stream_credit(QuicStreamId id) override {
    ++credits;
    active.push_back(id);
    connection->flush_soon();
  }
  void on_stream_acknowledged(QuicStreamId /*id*/, std::size_t /*bytes*/) override { ++acknowledgements; }
  void on_stream_closed(QuicStreamId id) override {
    EXPECT_TRUE(closed_streams.insert(id).second);
    std::erase(active, id);
  }
  void on_datagram(Bytes datagram) override {
    EXPECT_TRUE(established);
    datagrams.emplace_back(as_text(datagram));
    if (echoes) send_datagram(datagrams.back());
    if (then_datagram) then_datagram();
  }
  void on_turn_end() override { ++turns; }
  void fill(QuicPacket& packet) override {
    ++fills;
    while (!datagrams_out.empty()) {
      bool taken = false;
      const auto outcome = packet.add_datagram(as_bytes(datagrams_out.front()), taken);
      if (taken) datagrams_out.pop_front();
      if (outcome == QuicPacket::Outcome::kFull) return;
    }
    if (before_streams && !before_streams(packet)) return;
    while (!active.empty()) {
      std::size_t taken = 0;
      const QuicStreamId id = active.front();
      const auto outcome = packet.add_stream(id, taken);
      if (outcome == QuicPacket::Outcome::kBlocked) ++blocks;
      if (outcome == QuicPacket::Outcome::kFull) return;
      if (outcome == QuicPacket::Outcome::kTaken && connection->buffer(id)->unsent_bytes() > 0) continue;
      active.pop_front();
    }
  }
  void on_quic_closed(const Error& error, std::uint64_t with_code) override {
    EXPECT_FALSE(closed);
    closed = true;
    why = error;
    code = with_code;
    if (then_closed) then_closed();
  }

  std::unique_ptr<QuicConnection> connection;
  bool established = false;
  bool closed = false;
  Error why;
  std::uint64_t code = 0;
  std::map<QuicStreamId, std::string> received;
  std::set<QuicStreamId> ended;
  std::map<QuicStreamId, std::uint64_t> resets;
  std::set<QuicStreamId> closed_streams;
  std::vector<std::string> datagrams;
  int credits = 0;
  int blocks = 0;
  int turns = 0;
  int fills = 0;
  int acknowledgements = 0;
  bool grants = true;                               // gives back the credit of what it receives
  bool echoes = false;                              // sends back all it receives
  std::function<bool(QuicPacket&)> before_streams;  // false: none in this packet
  std::function<void()> then_established;
  std::function<void(QuicStreamId)> then_data;
  std::function<void()> then_datagram;
  std::function<void()> then_closed;
  std::deque<QuicStreamId> active;
  std::deque<std::string> datagrams_out;
};

/// Takes the connections of a server, each with a peer of its own.
class QuicAcceptor final : public QuicEndpointObserver {
 public:
  void on_connection(std::unique_ptr<QuicConnection> connection) override {
    if (refuses) return;
    peers.push_back(std::make_unique<QuicPeer>());
    peers.back()->connection = std::move(connection);
    peers.back()->connection->observe(peers.back().get());
    peers.back()->echoes = echoes;
    if (then) then(*peers.back());
  }

  std::vector<std::unique_ptr<QuicPeer>> peers;
  bool refuses = false;
  bool echoes = false;
  std::function<void(QuicPeer&)> then;
};

}  // namespace penstock
