#include "flowload/echo_server.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "flowload/bulk_wire.h"
#include "flowload/flow_server.h"

namespace penstock::flowload {
namespace {

/// Reads only when everything read before was sent, so that at most one read is held.
class EchoServerFlow final : public ServedFlow {
 public:
  EchoServerFlow(FileDescriptor fd, FlowServer& server) : server_{server}, fd_{std::move(fd)} {
    server_.poller().add(fd_.get(), EPOLLIN, *this);
  }

  void on_ready(std::uint32_t) override {
    if (unsent_.empty()) {
      read();
    } else {
      write(as_bytes(std::exchange(unsent_, {})));
    }
  }

 private:
  void read() {
    const MutableBytes into = scratch();
    const ssize_t count = recv(fd_.get(), into.data(), into.size(), 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count < 0) return server_.fail(*this);
    if (count == 0) return server_.end(*this);
    server_.received(static_cast<std::size_t>(count));
    write(into.first(static_cast<std::size_t>(count)));
  }

  void write(Bytes bytes) {
    const ssize_t count = send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0 && errno != EAGAIN && errno != EINTR) return server_.fail(*this);
    const bool was_waiting = waiting_;
    unsent_ = as_text(bytes.subspan(static_cast<std::size_t>(std::max<ssize_t>(count, 0))));
    waiting_ = !unsent_.empty();
    if (waiting_ != was_waiting) server_.poller().change(fd_.get(), waiting_ ? EPOLLOUT : EPOLLIN, *this);
  }

  FlowServer& server_;
  FileDescriptor fd_;
  std::string unsent_;
  bool waiting_ = false;  // for room to send in
};

}  // namespace

Result<bool> run_echo_server(const Options& options) {
  FlowServer server{[](FileDescriptor fd, FlowServer& owner) {
    return std::make_unique<EchoServerFlow>(std::move(fd), owner);
  }};
  return server.run(options);
}

}  // namespace penstock::flowload
