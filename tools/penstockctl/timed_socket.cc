#include "penstockctl/timed_socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <boost/asio/error.hpp>
#include <cerrno>
#include <utility>

#include "base/text.h"

namespace penstock::ctl {
namespace {

using boost::system::error_code;

error_code last_error() {
  return {errno, boost::system::system_category()};
}

Error cannot_connect(const std::string& path, int why) {
  const std::string shown = printable(path, 108);
  switch (why) {
    case ENOENT:
    case ENOTDIR:
      return error(
          Errc::kUnavailable,
          "there is no " + shown + ": is penstockd running? Its admin.socket is told by --socket PATH");
    case ECONNREFUSED:
      return error(
          Errc::kUnavailable,
          "nobody answers on " + shown + ": is penstockd running? Its admin.socket is told by --socket PATH");
    case EACCES:
    case EPERM:
      return error(Errc::kUnavailable, "no permission to use " + shown + ": run penstockctl with sudo");
    case EAGAIN:
      return error(Errc::kUnavailable,
                   "the daemon behind " + shown + " does not take connections: it is stuck or overloaded");
    default:
      return error(Errc::kUnavailable, system_error("connecting to " + shown, why).what);
  }
}

}  // namespace

Result<TimedSocket> TimedSocket::connect(const std::string& path, Time deadline) {
  sockaddr_un address{};
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return error(Errc::kInvalid,
                 "'" + printable(path, 128) + "' is no socket: a path has 1 to 107 characters");
  }
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, path.size());
  FileDescriptor socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!socket) return cannot_connect(path, errno);
  // A unix socket connects at once, or fails.
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return cannot_connect(path, errno);
  }
  return TimedSocket{std::move(socket), deadline};
}

bool TimedSocket::wait(short events, error_code& failed) const {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Clock::now()).count();
    pollfd poller{socket_.get(), events, 0};
    const int ready = poll(&poller, 1, static_cast<int>(std::clamp<std::int64_t>(left, 0, 1 << 30)));
    if (ready == 1) return true;
    if (ready == 0) {
      failed = boost::asio::error::timed_out;
      return false;
    }
    if (errno != EINTR) {
      failed = last_error();
      return false;
    }
  }
}

std::size_t TimedSocket::read(void* into, std::size_t size, error_code& failed) {
  failed = {};
  if (!wait(POLLIN, failed)) return 0;
  const ssize_t got = recv(socket_.get(), into, size, 0);
  if (got < 0) failed = last_error();
  if (got == 0 && size != 0) failed = boost::asio::error::eof;
  return got < 0 ? 0 : static_cast<std::size_t>(got);
}

std::size_t TimedSocket::write(const void* from, std::size_t size, error_code& failed) {
  failed = {};
  if (!wait(POLLOUT, failed)) return 0;
  const ssize_t sent = send(socket_.get(), from, size, MSG_NOSIGNAL);
  if (sent < 0) failed = last_error();
  return sent < 0 ? 0 : static_cast<std::size_t>(sent);
}

}  // namespace penstock::ctl
