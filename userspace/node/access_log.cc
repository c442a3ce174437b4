#include "node/access_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace penstock {
namespace {

constexpr std::size_t kMostWaiting = 4U << 20;

}  // namespace

Result<void> AccessLog::open() {
  FileDescriptor file{::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640)};
  if (!file) return system_error("cannot open the access log " + path_, errno);
  file_ = std::move(file);
  return {};
}

void AccessLog::write(std::string line) {
  bool first = false;
  {
    const std::lock_guard guard{lock_};
    if (waiting_.size() + line.size() > kMostWaiting) {
      ++lost_;
      return;
    }
    first = waiting_.empty();
    waiting_ += line;
  }
  if (first) control_.post([this] { flush(); });
}

void AccessLog::flush() {
  std::string lines;
  {
    const std::lock_guard guard{lock_};
    lines = std::exchange(waiting_, {});
  }
  for (std::string_view left = lines; !left.empty();) {
    const ssize_t put = ::write(file_.get(), left.data(), left.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) {
      const std::lock_guard guard{lock_};
      lost_ += static_cast<std::uint64_t>(std::count(left.begin(), left.end(), '\n'));
      return;
    }
    left.remove_prefix(static_cast<std::size_t>(put));
  }
}

std::uint64_t AccessLog::lost() const {
  const std::lock_guard guard{lock_};
  return lost_;
}

}  // namespace penstock
