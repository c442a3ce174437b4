#include "config/secret_file.h"

#include "base/file_descriptor.h"
#include "base/text.h"

namespace penstock {
namespace {

constexpr std::size_t kLargestSecret = 4096;
constexpr std::string_view kSpace = " \t\r\n";

}  // namespace

Result<std::string> read_secret(const std::string& path, std::size_t shortest) {
  auto content = read_secret_file(path, kLargestSecret);
  if (!content) return content.error();
  const auto first = content->find_first_not_of(kSpace);
  const auto last = content->find_last_not_of(kSpace);
  const std::string secret = first == std::string::npos ? "" : content->substr(first, last - first + 1);
  if (secret.size() < shortest || secret.size() > kLongestSecret) {
    return error(Errc::kInvalid, path + " holds " + std::to_string(secret.size()) +
                                     " characters, a secret has " + std::to_string(shortest) + " to " +
                                     std::to_string(kLongestSecret));
  }
  if (!is_printable(secret) || secret.find(' ') != std::string::npos) {
    return error(Errc::kInvalid, path + " holds a space or a character that is not printable ASCII");
  }
  return secret;
}

}  // namespace penstock
