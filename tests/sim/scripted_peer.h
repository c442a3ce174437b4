// A peer of the tunnel that a test plays by hand: it says what it is told to, and keeps what it hears.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/link.h"
#include "net/network.h"
#include "proto/frame.h"
#include "proto/messages.h"
#include "support/sim_loop.h"
#include "support/sim_network.h"

namespace penstock {

/// What an OPEN says.
inline constexpr std::string_view kOpen = "PROXY TCP4 203.0.113.9 198.51.100.9 40000 443\r\n";

/// The payload of a WINDOW_UPDATE.
inline std::string u32(std::uint32_t number) {
  std::array<std::byte, 4> out{};
  store_u32(out.data(), number);
  return std::string{as_text(out)};
}

struct ScriptedFrame {
  FrameHeader header;  // of DATA: with the length of the whole frame
  std::string payload;
};

/// One connection, from its handshake on.
class ScriptedPeer final : private LinkObserver {
 public:
  /// With `frames`, what follows the line is frames of the tunnel; else it is text.
  ScriptedPeer(std::unique_ptr<Link> link, bool frames);

  void send(std::string_view text);
  void send(std::uint32_t stream, FrameType type, std::string_view payload);
  void send(std::uint32_t stream, FrameType type, const std::vector<std::byte>& payload) {
    send(stream, type, as_text(payload));
  }
  void finish() { link_->finish(); }
  void reset() {
    link_->reset_on_close();
    link_.reset();
    reset_ = true;
  }
  void stop_reading() {
    reads_ = false;
    link_->await_failure();
  }
  void read_again() {
    reads_ = true;
    link_->await_readable();
  }

  /// The handshake line of the other side, without line feed; empty until it is whole.
  const std::string& line() const { return line_; }
  /// What followed the line, of a peer without frames.
  const std::string& text() const { return text_; }
  const std::vector<ScriptedFrame>& frames() const { return frames_; }
  /// The frames of one type, or of one type and stream.
  std::vector<ScriptedFrame> frames(FrameType type) const;
  std::vector<ScriptedFrame> frames(FrameType type, std::uint32_t stream) const;
  /// All DATA or DATA_BACK of a stream.
  std::string data(std::uint32_t stream) const;
  /// What the frames of a type and stream grant together.
  std::uint64_t granted(FrameType type, std::uint32_t stream) const;
  /// The reason and text of the last GOAWAY.
  GoAwayMessage go_away() const;
  /// Of the RESET of that stream; PST_R_COMPLETED when there was none.
  ResetMessage reset(std::uint32_t stream) const;
  bool ended() const { return ended_; }
  bool was_reset() const { return reset_; }
  bool gone() const { return ended_ || reset_; }
  std::uint64_t received() const { return received_; }

 private:
  void on_readable() override;
  void on_writable() override { write(); }
  void on_broken(const boost::system::error_code& /*error*/) override { reset_ = true; }
  void write();
  void take(Bytes bytes);

  std::unique_ptr<Link> link_;
  std::string out_;
  std::string line_;
  bool line_whole_ = false;
  const bool framed_;
  std::string text_;
  FrameReader reader_;
  std::vector<ScriptedFrame> frames_;
  bool in_frame_ = false;
  bool reads_ = true;
  bool ended_ = false;
  bool reset_ = false;
  std::uint64_t received_ = 0;
};

/// A host that dials a hub, or stands in for one, or for a backend.
class ScriptedHost final : private ListenerObserver {
 public:
  ScriptedHost(SimInternet& internet, const IpAddress& address, bool frames)
      : loop_{internet.clock()}, network_{internet, loop_, {address}}, frames_{frames} {}

  /// The connection is the last one of peers() once it is there.
  void dial(const Endpoint& to);
  void listen(const Endpoint& on) { listener_ = network_.listen(on, *this).value(); }
  const std::vector<std::unique_ptr<ScriptedPeer>>& peers() const { return peers_; }
  ScriptedPeer& peer() { return *peers_.back(); }

 private:
  void on_connection(std::unique_ptr<Connection> connection) override;
  void on_accept_failed(const boost::system::error_code&) override {}

  SimLoop loop_;
  SimNetwork network_;
  const bool frames_;
  std::unique_ptr<Pending> listener_;
  std::unique_ptr<Pending> dial_;
  std::vector<std::unique_ptr<ScriptedPeer>> peers_;
};

}  // namespace penstock
