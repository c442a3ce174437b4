// One end of an emulated link: a network interface from which all frames are taken, and into which frames are
// put.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/error.h"
#include "base/file_descriptor.h"
#include "linkem/line.h"

namespace penstock::linkem {

constexpr std::size_t kBatch = 64;  // frames that one call of the system takes or gives

/// Frames that went by no line.
struct PortCounts {
  std::uint64_t too_long = 0;  // to take: offloads are on
  std::uint64_t refused = 0;   // by the interface
};

/// One thread; needs CAP_NET_RAW. Blocks never. All memory is taken at the start.
class Port {
 public:
  /// An interface of this network namespace.
  static Result<Port> open(const std::string& interface);
  Port(Port&& other) noexcept;
  Port& operator=(Port&&) = delete;
  ~Port();

  int descriptor() const { return socket_.get(); }
  /// What has come meanwhile, at most kBatch frames; valid until the next call. An error is final.
  Result<std::span<const Bytes>> receive();
  /// How many of the first are done with: sent, or refused. Fewer than all: the system has no room for now.
  Result<std::size_t> send(std::span<const Bytes> frames);

  const PortCounts& counts() const { return counts_; }
  /// Frames that came while the system had no room for more, since the last call.
  std::uint64_t overrun();

 private:
  struct Batch;
  Port(FileDescriptor socket, std::string interface);

  FileDescriptor socket_;
  std::string interface_;
  std::unique_ptr<Batch> batch_;  // stays where it is: its parts point at each other
  PortCounts counts_;
};

}  // namespace penstock::linkem
