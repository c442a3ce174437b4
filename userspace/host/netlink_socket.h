// A socket to ask and tell rtnetlink through.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/file_descriptor.h"
#include "host/netlink_request.h"

namespace penstock {

/// Belongs to one thread, and to the network namespace it was opened in. The kernel answers within the call,
/// so nothing here waits. CAP_NET_ADMIN, if permitted, is raised around each request: changes need it.
class NetlinkSocket {
 public:
  static Result<NetlinkSocket> open();

  /// Sends it and hands each message of the answer to `take`, until the kernel acknowledges. The error is the
  /// kernel's, without words around it.
  Result<void> ask(NetlinkRequest& request, const std::function<void(const nlmsghdr&)>& take = {});

  /// All of a dump: what `read` makes of each message, leaving out those that it makes nothing of. Asked
  /// again when things changed meanwhile; Errc::kUnavailable when they do not stop changing.
  template <class T>
  Result<std::vector<T>> list(NetlinkRequest& request, std::optional<T> (*read)(const nlmsghdr&)) {
    std::vector<T> all;
    auto done = dump(
        request, [&] { all.clear(); },
        [&](const nlmsghdr& message) {
          if (auto one = read(message)) all.push_back(std::move(*one));
        });
    if (!done) return done.error();
    return all;
  }

 private:
  using Take = std::function<void(const nlmsghdr&)>;
  struct Progress {
    bool done = false;
    bool interrupted = false;
  };

  explicit NetlinkSocket(FileDescriptor socket) : socket_{std::move(socket)} {}
  Result<void> dump(NetlinkRequest& request, const std::function<void()>& restart, const Take& take);
  Result<void> send(NetlinkRequest& request);
  Result<bool> take_answer(const Take& take);
  Result<Progress> take_datagram(const Take& take);

  FileDescriptor socket_;
  std::uint32_t sequence_ = 0;
};

}  // namespace penstock
