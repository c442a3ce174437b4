#include "config/readers.h"

#include "base/bytes.h"
#include "base/text.h"
#include "config/byte_size.h"
#include "config/duration.h"
#include "config/edge_id.h"

namespace penstock {
namespace {

constexpr std::size_t kPinBytes = 32;
constexpr std::size_t kMostPortEntries = 4096;

std::optional<PortRange> port_range_of(const Value& value) {
  if (const auto number = integer_of(value)) {
    if (*number < 1 || *number > 65535) return std::nullopt;
    const auto port = static_cast<std::uint16_t>(*number);
    return PortRange{port, port};
  }
  const std::string* text = text_of(value);
  if (text == nullptr) return std::nullopt;
  const auto range = PortRange::parse(*text);
  return range ? std::optional{*range} : std::nullopt;
}

}  // namespace

Result<bool> Flag::operator()(const Value& value) const {
  if (const auto flag = flag_of(value)) return *flag;
  return unfit(value, "true or false");
}

template <class T>
Result<T> ByteSize<T>::operator()(const Value& value) const {
  std::optional<std::uint64_t> bytes;
  if (const auto number = integer_of(value); number && *number >= 0)
    bytes = static_cast<std::uint64_t>(*number);
  if (const std::string* text = text_of(value); text != nullptr && !bytes) bytes = parse_byte_size(*text);
  if (bytes && *bytes >= min && *bytes <= max) return static_cast<T>(*bytes);
  return unfit(value, "bytes, such as 65536 or \"64KiB\", from " + format_byte_size(min) + " to " +
                          format_byte_size(max));
}
template struct ByteSize<std::uint32_t>;
template struct ByteSize<std::uint64_t>;

Result<Duration> Period::operator()(const Value& value) const {
  if (const std::string* text = text_of(value)) {
    const auto duration = parse_duration(*text);
    if (duration && *duration >= min && *duration <= max && *duration % step == Duration::zero())
      return *duration;
  }
  std::string wanted = "a duration in quotes, a number with ms, s, m or h, from " + format_duration(min) +
                       " to " + format_duration(max);
  if (step > std::chrono::milliseconds{1}) wanted += " in steps of " + format_duration(step);
  return unfit(value, wanted);
}

Result<std::string> OneOf::operator()(const Value& value) const {
  const std::string* text = text_of(value);
  if (text != nullptr && std::find(words.begin(), words.end(), *text) != words.end()) return *text;
  std::string wanted;
  for (const std::string_view word : words) {
    if (!wanted.empty()) wanted += " or ";
    wanted.append("\"").append(word).append("\"");
  }
  return unfit(value, wanted);
}

Result<std::string> Text::operator()(const Value& value) const {
  const std::string* text = text_of(value);
  if (text != nullptr && text->size() >= shortest && text->size() <= longest && is_printable(*text))
    return *text;
  return unfit(
      value, std::string{wanted}.append(", at most ").append(std::to_string(longest)).append(" characters"));
}

Result<std::string> Name::operator()(const Value& value) const {
  const std::string* text = text_of(value);
  if (text != nullptr && is_name(*text)) return *text;
  return unfit(value, "1 to 64 letters, digits, '-', '_' and '.', a letter or digit first");
}

Result<std::string> EdgeId::operator()(const Value& value) const {
  const std::string* text = text_of(value);
  if (text == nullptr) return unfit(value, "the id of an edge in quotes");
  if (auto checked = check_edge_id(*text); !checked) return checked.error();
  return *text;
}

Result<std::string> Pin::operator()(const Value& value) const {
  const std::string* text = text_of(value);
  std::string bytes;
  if (text != nullptr && from_base64url(*text, bytes) && bytes.size() == kPinBytes) return *text;
  return unfit(value, "the SHA-256 of the hub's public key as 43 characters of base64url");
}

Result<PortSet> Ports::operator()(const Value& value) const {
  const Value::List* list = value.list();
  if (list == nullptr || list->size() > kMostPortEntries) {
    return unfit(value, "a list of at most 4096 ports and ranges, such as [80, \"8000-8100\"]");
  }
  PortSet ports;
  for (const Value& one : *list) {
    const auto range = port_range_of(one);
    if (!range) return unfit(one, "a port such as 80 or a range such as \"8000-8100\", from 1 to 65535");
    PortSet single;
    single.add(*range);
    if (!ports.intersection(single).empty()) return unfit(one, "each port once");
    ports.add(*range);
  }
  if (ports.size() < fewest) return unfit(value, "at least one port, such as [80, \"8000-8100\"]");
  return ports;
}

}  // namespace penstock
