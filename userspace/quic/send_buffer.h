// Bytes of one QUIC stream on their way out: what waits to be sent, and what waits to be acknowledged.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>

#include "base/block_size.h"
#include "base/bytes.h"

namespace penstock {

/// Bytes stay where they are until they are acknowledged, so that they can be sent again. They lie in chunks,
/// as large as BlockSize says; an empty buffer keeps one of the smallest at most. Owned by its stream; one
/// thread.
class SendBuffer {
 public:
  /// Room for at least `least` bytes behind what is there (at most BlockSize::kLargest); what is not
  /// committed is free again with the next call.
  MutableBytes room(std::size_t least);
  /// The first `bytes` of the room are the stream's now.
  void commit(std::size_t bytes);
  void append(Bytes bytes);

  /// What was not sent yet, as far as it lies together.
  Bytes unsent() const;
  /// The first `bytes` of unsent() are under way.
  void sent(std::size_t bytes);
  /// `bytes` more of what was sent, from the front, are acknowledged, and forgotten.
  void acknowledged(std::size_t bytes);

  std::size_t unsent_bytes() const { return unsent_; }
  /// Under way or waiting.
  std::size_t size() const { return size_; }

 private:
  struct Chunk {
    std::unique_ptr<std::byte[]> bytes;
    std::size_t capacity = 0;
    std::size_t begin = 0;  // acknowledged before here
    std::size_t next = 0;   // sent before here
    std::size_t end = 0;    // written before here
  };
  void add_chunk(std::size_t least);
  void drop_front();

  std::deque<Chunk> chunks_;
  std::size_t sending_ = 0;  // index of the chunk with the first unsent byte
  std::size_t unsent_ = 0;
  std::size_t size_ = 0;
  BlockSize chunk_size_;
};

}  // namespace penstock
