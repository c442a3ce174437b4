// Sockets that listen for operators.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/address.h"
#include "base/error.h"
#include "base/file_descriptor.h"

namespace penstock {

/// A listening unix socket and its file, which goes when this is destroyed (unless another took its place).
class UnixListener {
 public:
  /// The file has mode 0600 from its first moment, whatever the umask. A socket on which nobody answers is
  /// replaced; refused: a living daemon's socket, and anything that is no socket.
  static Result<UnixListener> open(const std::string& path);
  UnixListener(UnixListener&& other) noexcept;
  UnixListener& operator=(UnixListener&&) = delete;
  ~UnixListener();

  /// Gives up the descriptor, keeps the file.
  FileDescriptor take_socket() { return std::move(socket_); }

 private:
  UnixListener(FileDescriptor socket, std::string path);

  FileDescriptor socket_;
  std::string path_;  // empty once moved from
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

/// A listening TCP socket with SO_REUSEADDR.
Result<FileDescriptor> open_tcp_listener(const Endpoint& endpoint);

}  // namespace penstock
