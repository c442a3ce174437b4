// Tells when something of the host's network has changed, and what kind of thing.
#pragma once

#include "base/error.h"
#include "base/file_descriptor.h"

namespace penstock {

/// What has changed since the last look.
struct NetworkChanges {
  bool links = false;
  bool addresses = false;
  bool routes = false;
  bool neighbours = false;

  bool any() const { return links || addresses || routes || neighbours; }
  bool operator==(const NetworkChanges&) const = default;
};

/// Hears of every change in the network namespace it was opened in. Belongs to one thread. Needs no
/// privilege.
class NetworkMonitor {
 public:
  static Result<NetworkMonitor> open();

  /// Readable when there is something to read. Stays ours.
  int fd() const { return socket_.get(); }

  /// Takes what has been told, without waiting. When the kernel told more than the socket could hold,
  /// everything counts as changed. At most a bounded part is taken; the descriptor stays readable while there
  /// is more.
  Result<NetworkChanges> read();

 private:
  explicit NetworkMonitor(FileDescriptor socket) : socket_{std::move(socket)} {}

  FileDescriptor socket_;
};

}  // namespace penstock
