#include "config/edge_id.h"

#include "base/text.h"

namespace penstock {

Result<void> check_edge_id(std::string_view id) {
  const bool fits =
      !id.empty() && id.size() <= 64 && is_printable(id) && id.find(' ') == std::string_view::npos;
  if (fits && id != "*") return {};
  return error(Errc::kInvalid,
               "\"" + printable(id, 64) +
                   "\" names no edge: write 1 to 64 printable characters without space, other than \"*\"");
}

}  // namespace penstock
