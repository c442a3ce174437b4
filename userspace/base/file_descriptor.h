// One owned file descriptor, and whole small files.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace penstock {

/// Owns a descriptor and closes it once. -1 is "none".
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_{fd} {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_{other.release()} {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    reset(other.release());
    return *this;
  }
  ~FileDescriptor() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

/// The whole file, refused when it is larger than `limit` bytes.
Result<std::string> read_file(const std::string& path, std::size_t limit);

/// Like read_file, for secrets: refused when anyone but its owner may read or write it.
Result<std::string> read_secret_file(const std::string& path, std::size_t limit);

/// Writes the file whole or not at all: a temporary one beside it is synced and renamed into place.
Result<void> write_file(const std::string& path, std::string_view content, mode_t mode);

}  // namespace penstock
