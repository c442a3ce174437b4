// Small readings of text: numbers, printable forms of what strangers send.
#pragma once

#include <charconv>
#include <optional>
#include <string>
#include <string_view>

namespace penstock {

/// The whole text as a decimal number of type T, or nothing.
template <class T>
std::optional<T> parse_number(std::string_view text) {
  T value{};
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

/// Only characters from 0x20 to 0x7e.
bool is_printable(std::string_view text);

/// At most `limit` characters of `text` that are safe in a log line or terminal; others show as \xNN.
std::string printable(std::string_view text, std::size_t limit);

/// A name of ours: 1 to 64 of letters, digits, '-', '_' and '.', beginning with a letter or digit.
bool is_name(std::string_view text);

}  // namespace penstock
