#include "tunnel/line_reader.h"

#include <algorithm>
#include <utility>

namespace penstock {

Result<std::optional<std::string>> LineReader::take(Bytes& bytes) {
  const auto end = std::find(bytes.begin(), bytes.end(), std::byte{'\n'});
  const bool whole = end != bytes.end();
  const auto length = static_cast<std::size_t>(end - bytes.begin());
  if (line_.size() + length + (whole ? 1 : 0) > limit_) {
    return error(Errc::kProtocol, "the line is longer than " + std::to_string(limit_) + " bytes");
  }
  line_.append(as_text(bytes.first(length)));
  bytes = bytes.subspan(length + (whole ? 1 : 0));
  if (!whole) return std::optional<std::string>{};
  return std::optional<std::string>{std::exchange(line_, {})};
}

}  // namespace penstock
