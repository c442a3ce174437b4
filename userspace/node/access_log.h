// The access log: a file with one JSON line for every flow that ended.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>

#include "base/error.h"
#include "base/file_descriptor.h"
#include "net/loop.h"

namespace penstock {

/// Workers hand lines over; the control loop's thread writes them, so a slow disk never holds up traffic.
/// What waits is bounded by 4 MiB; lines beyond that are counted as lost.
class AccessLog {
 public:
  AccessLog(Loop& control, std::string path) : control_{control}, path_{std::move(path)} {}
  /// Opens the file for appending; again after it was rotated away. Control thread.
  Result<void> open();
  /// Any thread.
  void write(std::string line);
  /// Writes what waits. Control thread.
  void flush();
  std::uint64_t lost() const;

 private:
  Loop& control_;
  const std::string path_;
  FileDescriptor file_;
  mutable std::mutex lock_;  // guards the two below
  std::string waiting_;
  std::uint64_t lost_ = 0;
};

}  // namespace penstock
