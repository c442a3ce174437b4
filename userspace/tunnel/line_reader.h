// The text part of a handshake: one line, within a limit.
#pragma once

#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/error.h"

namespace penstock {

/// Collects bytes up to the first line feed. Bytes behind it are not taken: they belong to the frames that
/// follow.
class LineReader {
 public:
  /// `limit` counts the line feed.
  explicit LineReader(std::size_t limit) : limit_{limit} {}
  /// Takes from the front of `bytes` and shortens it. The line (without its line feed) once it is whole.
  Result<std::optional<std::string>> take(Bytes& bytes);

 private:
  std::size_t limit_;
  std::string line_;
};

}  // namespace penstock
