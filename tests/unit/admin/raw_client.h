// A client that sends whatever bytes a test wants and reads with a deadline.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstring>
#include <string>
#include <string_view>

#include "base/address.h"
#include "base/file_descriptor.h"

namespace penstock::test {

class RawClient {
 public:
  explicit RawClient(const std::string& path) : socket_{socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    connected_ = connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  explicit RawClient(const Endpoint& endpoint) {
    sockaddr_storage address{};
    const socklen_t length = endpoint.to_sockaddr(address);
    socket_ = FileDescriptor{socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    connected_ = connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), length) == 0;
  }

  bool connected() const { return connected_; }
  int fd() const { return socket_.get(); }

  /// False when the peer closed before all was sent.
  bool send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (sent < 0) return false;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  /// All that has come, once it contains `mark`; or what came until the end or the deadline.
  const std::string& read_until(std::string_view mark) {
    while (seen_.find(mark) == std::string::npos && read_some()) {
    }
    return seen_;
  }
  /// All until the peer's end. A peer that does not end is told by "(no end)" behind the bytes.
  std::string read_all() {
    while (read_some()) {
    }
    return ended_ ? seen_ : seen_ + "(no end)";
  }
  std::string ask(std::string_view request) {
    send(request);
    return read_all();
  }
  void forget() { seen_.clear(); }

 private:
  bool read_some() {
    pollfd wait{socket_.get(), POLLIN, 0};
    if (poll(&wait, 1, 10'000) != 1) return false;
    std::array<char, 65536> bytes;
    const ssize_t got = recv(socket_.get(), bytes.data(), bytes.size(), 0);
    ended_ = got <= 0;
    if (ended_) return false;
    seen_.append(bytes.data(), static_cast<std::size_t>(got));
    return true;
  }

  FileDescriptor socket_;
  bool connected_ = false;
  bool ended_ = false;
  std::string seen_;
};

}  // namespace penstock::test
