#include "base/text.h"

#include <algorithm>

namespace penstock {
namespace {

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
}

std::string printable(std::string_view text, std::size_t limit) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : text.substr(0, limit)) {
    if (c >= 0x20 && c <= 0x7e) {
      out.push_back(c);
    } else {
      const auto value = static_cast<unsigned char>(c);
      out.append({'\\', 'x', kDigits[value >> 4], kDigits[value & 15]});
    }
  }
  if (text.size() > limit) out += "...";
  return out;
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && is_alphanumeric(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; });
}

}  // namespace penstock
