// What a simulated UDP socket has received and not yet handed over.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "net/loop.h"
#include "net/udp_socket.h"

namespace penstock {

/// Shared by a socket, the internet that fills it, and its own wake-ups, of which any may be the last to go.
/// Nobody is told anything once it is closed.
class SimMailbox final : public std::enable_shared_from_this<SimMailbox> {
 public:
  struct Letter {
    Endpoint peer;
    IpAddress local;
    std::string payload;
    std::uint8_t ecn = 0;
  };
  /// Keeps it when there is room, otherwise counts it as an overrun.
  void put(Letter letter);
  void attach(Loop& loop, UdpObserver& observer);
  void close();

 private:
  static constexpr std::size_t kRoom = 4096;  // letters
  static constexpr std::size_t kTurn = 256;   // of those, told in one call

  void wake();
  void tell();

  std::deque<Letter> letters_;
  std::uint64_t thrown_away_ = 0;  // and not told of yet
  Loop* loop_ = nullptr;           // once attached
  UdpObserver* observer_ = nullptr;
  bool awake_ = false;  // a wake-up is under way
  bool closed_ = false;
};

}  // namespace penstock
