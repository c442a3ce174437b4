// Datagrams that wait for a carrier, as the frames that they travel in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "proto/frame.h"
#include "tunnel/ledger.h"

namespace penstock {

/// First in, first out; owned by one carrier. The bound is in bytes of memory: frames with their headers, and
/// a few bytes for each of them. All of it is allocated with the first datagram, and nothing ever again.
/// Each datagram is held in its ledger line while it is here, and the line outlives it.
class DatagramQueue {
 public:
  explicit DatagramQueue(std::size_t limit) : limit_{limit} {}
  /// What is left is dropped as lost with its tunnel.
  ~DatagramQueue() { drop_all(PST_R_TUNNEL_LOST); }
  DatagramQueue(const DatagramQueue&) = delete;
  DatagramQueue& operator=(const DatagramQueue&) = delete;

  /// Adds one frame, and counts its payload as held; false, and nothing happens, when it does not fit or is
  /// larger than a datagram may be.
  bool push(FrameType type, std::uint32_t session, Bytes payload, LedgerLine& line);
  /// Adds a UDP_OPEN and the UDP_DATA behind it, both or neither.
  bool push_open(std::uint32_t session, Bytes proxy_header, Bytes payload, LedgerLine& line);
  /// Adds `head`, then a PROXY header or none, then the payload, without frames; counted and refused as
  /// above.
  bool push_bare(Bytes head, Bytes proxy_header, Bytes payload, LedgerLine& line);

  /// Bytes that take() has to give until the end of what was pushed first.
  std::size_t next_size();
  /// Copies what was pushed first, or the rest of it, as far as there is room; returns the bytes copied. With
  /// its last byte it counts as sent.
  std::size_t take(MutableBytes into);
  /// Whether the last take() left a rest, which must go out before any other frame.
  bool cut() const { return left_ > 0; }
  bool empty() const { return size_ == 0; }
  void drop_all(Reason reason);

 private:
  /// Stands before the bytes of each push.
  struct Entry {
    LedgerLine* line = nullptr;
    std::uint32_t bytes = 0;    // of frames
    std::uint32_t payload = 0;  // of the datagram
  };

  bool reserve(const Entry& entry);
  void put(Bytes bytes);
  void put_frame(FrameType type, std::uint32_t session, Bytes payload);
  void get(MutableBytes into);
  void skip(std::size_t bytes);
  void begin_next();

  const std::size_t limit_;
  std::unique_ptr<std::byte[]> ring_;
  std::size_t head_ = 0;  // of the first byte
  std::size_t size_ = 0;  // bytes from there on
  Entry front_;           // what is being taken, while left_ > 0
  std::size_t left_ = 0;  // of its bytes
};

}  // namespace penstock
