#include "flowload/socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <limits>

namespace penstock::flowload {
namespace {

constexpr int kBacklog = 4096;           // the kernel lowers it to net.core.somaxconn
constexpr int kPacedBacklog = 64 << 10;  // bytes not yet sent of a paced flow

template <class T>
bool set_option(int fd, int level, int name, T value) {
  return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

Result<FileDescriptor> make_socket(const IpAddress& like) {
  FileDescriptor fd{socket(like.is_v4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!fd) return system_error("socket", errno);
  set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1);
  return fd;
}

Result<void> bind_to(int fd, const Endpoint& at) {
  sockaddr_storage address{};
  const socklen_t length = at.to_sockaddr(address);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), length) == 0) return {};
  return system_error("bind to " + at.to_string(), errno);
}

}  // namespace

Result<FileDescriptor> listen_on(const Endpoint& at) {
  auto fd = make_socket(at.address);
  if (!fd) return fd;
  set_option(fd->get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (auto bound = bind_to(fd->get(), at); !bound) return bound.error();
  if (listen(fd->get(), kBacklog) != 0) return system_error("listen on " + at.to_string(), errno);
  return fd;
}

Result<FileDescriptor> start_connect(const Endpoint& to, const std::optional<IpAddress>& source) {
  auto fd = make_socket(to.address);
  if (!fd) return fd;
  if (source) {
    // The port is chosen at connect: then it need only be free towards this destination.
    set_option(fd->get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    if (auto bound = bind_to(fd->get(), {.address = *source, .port = 0}); !bound) return bound.error();
  }
  sockaddr_storage address{};
  const socklen_t length = to.to_sockaddr(address);
  const int result = connect(fd->get(), reinterpret_cast<const sockaddr*>(&address), length);
  if (result != 0 && errno != EINPROGRESS) return system_error("connect to " + to.to_string(), errno);
  return fd;
}

Result<FileDescriptor> accept_one(int listener) {
  FileDescriptor fd{accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
  if (fd) {
    set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1);
  } else if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR) {
    return system_error("accept", errno);
  }
  return fd;
}

Endpoint local_endpoint(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) return {};
  return Endpoint::from_sockaddr(reinterpret_cast<const sockaddr*>(&address));
}

std::optional<Error> take_error(int fd, std::string_view doing) {
  int code = 0;
  socklen_t length = sizeof code;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &length) != 0) code = errno;
  if (code == 0) return std::nullopt;
  return system_error(doing, code);
}

void pace(int fd, std::uint64_t bytes_per_second) {
  constexpr std::uint64_t kUnpaced =
      std::numeric_limits<std::uint32_t>::max();  // means "no pacing" to the kernel
  const std::uint64_t rate = std::clamp<std::uint64_t>(bytes_per_second, 1, kUnpaced - 1);
  set_option(fd, SOL_SOCKET, SO_MAX_PACING_RATE, static_cast<std::uint32_t>(rate));
  set_option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, kPacedBacklog);
}

Result<void> allow_descriptors(std::uint64_t count) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return system_error("getrlimit", errno);
  if (limit.rlim_cur >= count) return {};
  limit.rlim_cur = count;
  limit.rlim_max = std::max<rlim_t>(limit.rlim_max, count);
  if (setrlimit(RLIMIT_NOFILE, &limit) == 0) return {};
  return error(Errc::kLimit,
               "needs " + std::to_string(count) + " open files: raise the limit with ulimit -n");
}

}  // namespace penstock::flowload
