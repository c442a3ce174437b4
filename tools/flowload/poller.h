// The event loop of the load program: readiness of descriptors, and the wish to stop.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>

#include "base/file_descriptor.h"
#include "base/time.h"

namespace penstock::flowload {

/// Told when a descriptor is ready. It may destroy itself only after Poller::forget().
class Watcher {
 public:
  virtual void on_ready(std::uint32_t events) = 0;

 protected:
  ~Watcher() = default;
};

/// Level-triggered epoll for one thread. SIGINT and SIGTERM are taken over from its construction on and end
/// wait().
class Poller {
 public:
  Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  void add(int fd, std::uint32_t events, Watcher& watcher);
  void change(int fd, std::uint32_t events, Watcher& watcher);
  /// No event that was already fetched reaches `watcher`. Its descriptor leaves the set when it is closed.
  void forget(const Watcher& watcher);

  /// Serves what is ready, waiting for it until `until` at most. False once a signal asked us to stop.
  bool wait(Time until);

 private:
  FileDescriptor epoll_;
  FileDescriptor signals_;
  std::array<epoll_event, 256> ready_;
  int ready_count_ = 0;
  bool stopped_ = false;
};

}  // namespace penstock::flowload
