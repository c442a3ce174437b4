#include "base/file_descriptor.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace penstock {
namespace {

Result<std::string> read_open_file(const FileDescriptor& file, const std::string& path, std::size_t limit) {
  std::string content;
  std::array<char, 16384> chunk{};
  for (;;) {
    const ssize_t got = ::read(file.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error("cannot read " + path, errno);
    if (got == 0) return content;
    content.append(chunk.data(), static_cast<std::size_t>(got));
    if (content.size() > limit) {
      return error(Errc::kLimit, path + " is larger than " + std::to_string(limit) + " bytes");
    }
  }
}

}  // namespace

void FileDescriptor::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  const FileDescriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file) return system_error("cannot open " + path, errno);
  return read_open_file(file, path, limit);
}

Result<std::string> read_secret_file(const std::string& path, std::size_t limit) {
  const FileDescriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file) return system_error("cannot open " + path, errno);
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return system_error("cannot examine " + path, errno);
  if ((info.st_mode & 077) != 0) {
    return error(Errc::kRefused, path + " holds a secret and others may read or write it: chmod 600 " + path);
  }
  return read_open_file(file, path, limit);
}

Result<void> write_file(const std::string& path, std::string_view content, mode_t mode) {
  const std::string beside = path + ".new";
  {
    const FileDescriptor file{
        ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode)};
    if (!file) return system_error("cannot create " + beside, errno);
    if (::fchmod(file.get(), mode) != 0) return system_error("cannot set the mode of " + beside, errno);
    while (!content.empty()) {
      const ssize_t put = ::write(file.get(), content.data(), content.size());
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return system_error("cannot write " + beside, errno);
      content.remove_prefix(static_cast<std::size_t>(put));
    }
    if (::fsync(file.get()) != 0) return system_error("cannot sync " + beside, errno);
  }
  if (::rename(beside.c_str(), path.c_str()) != 0) return system_error("cannot rename " + beside, errno);
  return {};
}

}  // namespace penstock
