// Frames into a tap device, many with one call of the system.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "base/error.h"
#include "base/file_descriptor.h"

namespace penstock {

/// Takes frames by an io_uring, which carries them all out within the one call, or with a call for each where
/// the host permits no such ring, or another thread writes than before, to whom the ring does not belong.
class TapWriter {
 public:
  static constexpr std::size_t kAtOnce = 64;  // frames a call

  struct Frame {
    Bytes head;
    Bytes body;
  };
  /// So many frames, from the front, are through the device. If that is not all, the next one was not taken,
  /// `error` says why, and those behind it were not tried.
  struct Written {
    std::size_t frames = 0;
    boost::system::error_code error;
  };

  explicit TapWriter(FileDescriptor tap);
  ~TapWriter();
  TapWriter(TapWriter&&) noexcept;
  TapWriter& operator=(TapWriter&&) = delete;

  /// At most kAtOnce frames.
  Written write(std::span<const Frame> frames);
  /// Of the system, so far.
  std::uint64_t calls() const { return calls_; }

 private:
  class Ring;
  void write_one_by_one(std::span<const Frame> frames, Written& written);

  FileDescriptor tap_;
  std::unique_ptr<Ring> ring_;  // null before the first batch, and where there is none to be had
  bool asked_ = false;          // for a ring
  std::uint64_t calls_ = 0;
};

}  // namespace penstock
