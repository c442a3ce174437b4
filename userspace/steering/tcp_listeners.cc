#include "steering/tcp_listeners.h"

#include <sys/socket.h>

#include <cerrno>

#include "net/plain_socket.h"

namespace penstock {
namespace {

constexpr int kBacklog = 4096;

}  // namespace

Result<FileDescriptor> open_tcp_listener(bool v4) {
  const Endpoint on{IpAddress::loopback(v4), 0};
  auto socket = make_socket(on, SOCK_STREAM);
  if (!socket) return socket;
  // Else a port with a connection of ours could not be bound, and would look like another program's.
  set_option(socket->get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (!bind_socket(*socket, on) || ::listen(socket->get(), kBacklog) != 0)
    return system_error("cannot listen on " + on.to_string(), errno);
  return socket;
}

}  // namespace penstock
