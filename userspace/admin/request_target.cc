#include "admin/request_target.h"

#include <utility>

#include "base/text.h"

namespace penstock {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<std::string> percent_decode(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      out.push_back(text[at]);
      continue;
    }
    const int high = at + 2 < text.size() ? hex_value(text[at + 1]) : -1;
    const int low = at + 2 < text.size() ? hex_value(text[at + 2]) : -1;
    if (high < 0 || low < 0 || (high == 0 && low == 0)) {
      return error(Errc::kInvalid,
                   "'" + printable(text, 64) + "' has a broken escape: write %XX, and never %00");
    }
    out.push_back(static_cast<char>(high << 4 | low));
    at += 2;
  }
  return out;
}

/// Calls `each` with the pieces of `text` between `separator`s until one fails.
template <class F>
Result<void> split(std::string_view text, char separator, F each) {
  for (;;) {
    const auto end = text.find(separator);
    if (auto done = each(text.substr(0, end)); !done) return done;
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
}

}  // namespace

Result<RequestTarget> RequestTarget::parse(std::string_view text) {
  if (!text.starts_with('/')) return error(Errc::kInvalid, "the request's target must begin with '/'");
  const auto mark = text.find('?');
  RequestTarget out;
  auto done = split(text.substr(1, mark - 1), '/', [&](std::string_view part) -> Result<void> {
    auto decoded = percent_decode(part);
    if (!decoded) return std::move(decoded).error();
    out.path.push_back(*std::move(decoded));
    return {};
  });
  if (!done) return std::move(done).error();
  if (mark == std::string_view::npos) return out;

  done = split(text.substr(mark + 1), '&', [&](std::string_view pair) -> Result<void> {
    if (pair.empty()) return {};
    const auto equals = pair.find('=');
    auto key = percent_decode(pair.substr(0, equals));
    if (!key) return std::move(key).error();
    auto value =
        percent_decode(equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1));
    if (!value) return std::move(value).error();
    if (!out.query.emplace(*key, *value).second) {
      return error(Errc::kInvalid, "the query names '" + printable(*key, 64) + "' twice");
    }
    return {};
  });
  if (!done) return std::move(done).error();
  return out;
}

}  // namespace penstock
