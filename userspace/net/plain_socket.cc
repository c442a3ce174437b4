#include "net/plain_socket.h"

#include <netinet/in.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>

namespace penstock {
namespace {

constexpr rlim_t kReserved = 32;

}  // namespace

/// Descriptors from a ceiling on are reserved. Read once: the limit is raised before the first loop runs.
bool is_reserved(const FileDescriptor& socket) {
  static const rlim_t ceiling = [] {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur - std::min(kReserved, limit.rlim_cur / 4);
  }();
  return static_cast<rlim_t>(socket.get()) >= ceiling;
}

Result<FileDescriptor> make_socket(const Endpoint& endpoint, int type) {
  const int family = endpoint.address.is_v4() ? AF_INET : AF_INET6;
  FileDescriptor socket{::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!socket) return system_error("cannot make a socket", errno);
  if (is_reserved(socket)) return system_error("cannot make a socket", EMFILE);
  return socket;
}

bool bind_socket(const FileDescriptor& socket, const Endpoint& on) {
  if (!on.address.is_v4()) set_option(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
  sockaddr_storage address{};
  const socklen_t length = on.to_sockaddr(address);
  return ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), length) == 0;
}

bool set_option(int fd, int level, int name, int value) {
  return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
}

void set_receive_buffer(int fd, int bytes) {
  if (!set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, bytes)) set_option(fd, SOL_SOCKET, SO_RCVBUF, bytes);
}

Endpoint name_of(int fd, decltype(&::getsockname) get) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (get(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) return {};
  return Endpoint::from_sockaddr(reinterpret_cast<const sockaddr*>(&address));
}

}  // namespace penstock
