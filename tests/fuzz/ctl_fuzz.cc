// The command line of penstockctl: any words at all, one per line (or NUL).
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "fuzz/check.h"
#include "penstockctl/command_line.h"
#include "penstockctl/help.h"
#include "penstockctl/service_options.h"

namespace {

using namespace penstock;

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto end = text.find_first_of(std::string_view{"\0\n", 2});
    out.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return out;
}

void command_line(const std::vector<std::string>& words) {
  const auto invocation = ctl::parse_command_line(words);
  if (!invocation) {
    check(is_printable(invocation.error().what), "what is wrong can be shown on a terminal");
    return;
  }
  check(invocation->command != nullptr, "a command line that is right names a command");
  check(invocation->arguments.size() <= words.size(), "arguments come from the words");
  if (const auto help = ctl::help_text(invocation->arguments); !help) {
    check(is_printable(help.error().what), "what is wrong can be shown on a terminal");
  }
  if (const auto service = ctl::service_from_options(invocation->options); !service) {
    check(is_printable(service.error().what), "what is wrong can be shown on a terminal");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  command_line(words_of({reinterpret_cast<const char*>(data), size}));
  return 0;
}
