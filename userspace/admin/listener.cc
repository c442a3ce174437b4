#include "admin/listener.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace penstock {
namespace {

constexpr int kBacklog = 64;

const sockaddr* as_sockaddr(const void* address) {
  return static_cast<const sockaddr*>(address);
}

sockaddr_un unix_address(const std::string& path) {
  sockaddr_un out{};
  out.sun_family = AF_UNIX;
  std::memcpy(out.sun_path, path.data(), path.size());
  return out;
}

/// Makes sure that the path is free, or holds a socket on which nobody answers, and then removes that.
Result<void> clear_path(const std::string& path, const sockaddr_un& address) {
  struct stat found {};
  if (lstat(path.c_str(), &found) != 0) {
    if (errno == ENOENT) return {};
    return system_error("looking at " + path, errno);
  }
  if (!S_ISSOCK(found.st_mode)) {
    return error(Errc::kExists, path + " exists and is no socket: remove it, or set another admin.socket");
  }
  const FileDescriptor probe{socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!probe) return system_error("making a socket", errno);
  if (connect(probe.get(), as_sockaddr(&address), sizeof address) == 0 || errno == EAGAIN) {
    return error(Errc::kExists,
                 "another daemon answers on " + path + ": stop it, or set another admin.socket");
  }
  if (errno != ECONNREFUSED) return system_error("asking who listens on " + path, errno);
  if (unlink(path.c_str()) != 0) return system_error("removing the stale socket " + path, errno);
  return {};
}

}  // namespace

Result<UnixListener> UnixListener::open(const std::string& path) {
  if (path.empty() || path.size() >= sizeof sockaddr_un::sun_path) {
    return error(Errc::kInvalid, "admin.socket: '" + path + "' must have 1 to 107 characters");
  }
  const sockaddr_un address = unix_address(path);
  if (auto clear = clear_path(path, address); !clear) return std::move(clear).error();

  FileDescriptor listener{socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!listener) return system_error("making a socket", errno);
  // bind() gives the file the mode of the socket's inode; a umask would reach into other threads.
  if (fchmod(listener.get(), S_IRUSR | S_IWUSR) != 0) return system_error("setting the socket's mode", errno);
  if (bind(listener.get(), as_sockaddr(&address), sizeof address) != 0) {
    return system_error("binding the admin socket " + path, errno);
  }
  UnixListener out{std::move(listener), path};
  if (listen(out.socket_.get(), kBacklog) != 0) return system_error("listening on " + path, errno);
  return out;
}

UnixListener::UnixListener(FileDescriptor socket, std::string path)
    : socket_{std::move(socket)}, path_{std::move(path)} {
  struct stat own {};
  if (lstat(path_.c_str(), &own) != 0) return;
  device_ = own.st_dev;
  inode_ = own.st_ino;
}

UnixListener::UnixListener(UnixListener&& other) noexcept
    : socket_{std::move(other.socket_)},
      path_{std::exchange(other.path_, {})},
      device_{other.device_},
      inode_{other.inode_} {}

UnixListener::~UnixListener() {
  struct stat found {};
  if (path_.empty() || lstat(path_.c_str(), &found) != 0) return;
  if (found.st_dev == device_ && found.st_ino == inode_) unlink(path_.c_str());
}

Result<FileDescriptor> open_tcp_listener(const Endpoint& endpoint) {
  sockaddr_storage address{};
  const socklen_t length = endpoint.to_sockaddr(address);
  FileDescriptor listener{socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!listener) return system_error("making a socket", errno);
  const int on = 1;
  setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener.get(), as_sockaddr(&address), length) != 0 || listen(listener.get(), kBacklog) != 0) {
    return system_error("listening on " + endpoint.to_string() + " (admin.http)", errno);
  }
  return listener;
}

}  // namespace penstock
