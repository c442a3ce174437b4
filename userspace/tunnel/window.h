// Credit: how much a peer may send on a stream, and the node's memory that stands behind it.
#pragma once

#include <penstock/wire/frame.h>

#include <atomic>
#include <cstdint>

#include "base/time.h"

namespace penstock {

inline constexpr std::uint64_t kMaxWindow = 16U << 20;

/// The bytes that a node may have granted and not yet consumed, in one direction, over all its streams.
/// The initial credit of every allowed stream is set aside first; growth draws from the rest, each time at
/// most a quarter of what is left, so that those who come later find some. Any thread.
class WindowBudget {
 public:
  /// `streams` times the initial credit must fit into `total`.
  WindowBudget(std::uint64_t total, std::uint32_t streams);

  /// Takes a place for one stream; false when all allowed streams are there.
  bool admit();
  void leave();
  /// Draws up to `wanted` bytes for growth; what it returns must be given back.
  std::uint64_t draw(std::uint64_t wanted);
  void give_back(std::uint64_t bytes);
  /// What one stream may have outstanding now: min(16 MiB, total / streams), never under the initial credit.
  std::uint64_t share() const;

  std::uint64_t total() const { return total_; }
  /// Granted at most: initial credit of the streams that are there, and what they drew.
  std::uint64_t granted() const;

 private:
  const std::uint64_t total_;
  const std::uint32_t allowed_;
  std::atomic<std::uint32_t> streams_{0};
  std::atomic<std::uint64_t> free_;
};

/// The receiving end's view of one stream and direction.
class ReceiveWindow {
 public:
  /// `initial` bytes are granted from the start; with `budget` null the window neither grows nor draws
  /// (legacy peers: every byte consumed is granted again).
  ReceiveWindow(std::uint64_t initial, WindowBudget* budget)
      : granted_{initial}, initial_{initial}, budget_{budget} {}
  ~ReceiveWindow() { release(); }
  ReceiveWindow(const ReceiveWindow&) = delete;
  ReceiveWindow& operator=(const ReceiveWindow&) = delete;

  /// Counts bytes that arrived; false when they exceed what was granted.
  bool receive(std::uint64_t bytes);
  /// Counts bytes that the consumer took and returns how many to grant now; 0: not yet worth a frame.
  std::uint32_t consume(std::uint64_t bytes, Time now);
  /// Gives back all that was drawn; nothing may be received afterwards.
  void release();

  std::uint64_t outstanding() const { return granted_ - consumed_; }

 private:
  void resize(std::uint64_t wanted, bool grow);

  std::uint64_t granted_;
  std::uint64_t received_ = 0;
  std::uint64_t consumed_ = 0;
  const std::uint64_t initial_;
  std::uint64_t drawn_ = 0;
  WindowBudget* budget_;
  Time last_consumed_{};
};

/// The sending end's view: what the peer still allows.
class SendWindow {
 public:
  SendWindow(std::uint64_t initial, std::uint64_t most) : credit_{initial}, most_{most} {}
  std::uint64_t credit() const { return credit_; }
  void spend(std::uint64_t bytes) { credit_ -= bytes; }
  /// Credit above the most is cut off; false when there was any.
  bool grant(std::uint32_t bytes);

 private:
  std::uint64_t credit_;
  const std::uint64_t most_;
};

}  // namespace penstock
