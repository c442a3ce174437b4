#include "node/state_lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

namespace penstock {

Result<void> StateLock::take(const std::string& state_directory) {
  if (folder_) return {};
  FileDescriptor folder{::open(state_directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!folder && errno == ENOENT) return {};
  if (!folder) return system_error("cannot open node.state_dir " + state_directory, errno);
  if (::flock(folder.get(), LOCK_EX | LOCK_NB) == 0) {
    folder_ = std::move(folder);
    return {};
  }
  if (errno != EWOULDBLOCK) return system_error("cannot lock node.state_dir " + state_directory, errno);
  return error(Errc::kExists, "another daemon has node.state_dir " + state_directory +
                                  ": stop it, or give each a node.name and a node.state_dir of its own");
}

}  // namespace penstock
