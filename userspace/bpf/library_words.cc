#include "bpf/library_words.h"

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>

namespace penstock {
namespace {

constexpr std::size_t kMostWords = 1U << 20;

std::string& kept_words() {
  thread_local std::string text;
  return text;
}

int keep_words(const char* format, va_list arguments) {
  if (kept_words().size() >= kMostWords) return 0;
  std::array<char, 8192> line{};
  const int length = std::vsnprintf(line.data(), line.size(), format, arguments);
  if (length > 0)
    kept_words().append(line.data(), std::min(static_cast<std::size_t>(length), line.size() - 1));
  return length;
}

int keep_libbpf(enum libbpf_print_level level, const char* format, va_list arguments) {
  return level == LIBBPF_WARN ? keep_words(format, arguments) : 0;
}

int keep_libxdp(enum libxdp_print_level level, const char* format, va_list arguments) {
  return level == LIBXDP_DEBUG ? 0 : keep_words(format, arguments);
}

}  // namespace

LibraryWords::LibraryWords()
    : libbpf_{::libbpf_set_print(keep_libbpf)}, libxdp_{::libxdp_set_print(keep_libxdp)} {
  kept_words().clear();
}

LibraryWords::~LibraryWords() {
  ::libbpf_set_print(libbpf_);
  ::libxdp_set_print(libxdp_);
}

const std::string& LibraryWords::text() {
  return kept_words();
}

std::string LibraryWords::last_lines(std::size_t count) {
  std::size_t from = text().size();
  while (from > 0 && count-- > 0) {
    const auto before = text().rfind('\n', from > 1 ? from - 2 : 0);
    from = before == std::string::npos ? 0 : before + 1;
    if (before == std::string::npos) break;
  }
  return text().substr(from);
}

}  // namespace penstock
