// Readers: each turns one value of a source into what a member of the configuration wants, or says what to
// write.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/error.h"
#include "base/port_set.h"
#include "base/time.h"
#include "config/value.h"

namespace penstock {

/// What a reader makes: `Made<R>` for a reader of type R.
template <class Reader>
using Made = typename std::invoke_result_t<const Reader&, const Value&>::value_type;

/// A scalar can come from the environment or a flag; a list cannot.
template <class Reader>
inline constexpr bool kIsScalar = true;

/// true or false.
struct Flag {
  Result<bool> operator()(const Value& value) const;
};

/// A whole number from `min` to `max`, both included.
template <class T>
struct Number {
  T min;
  T max;

  Result<T> operator()(const Value& value) const {
    const auto number = integer_of(value);
    if (number && *number >= std::int64_t{min} && *number <= std::int64_t{max})
      return static_cast<T>(*number);
    return unfit(value, "a whole number from " + std::to_string(min) + " to " + std::to_string(max));
  }
};

/// Bytes, as a whole number or as "16MiB", from `min` to `max`.
template <class T>
struct ByteSize {
  T min;
  T max;

  Result<T> operator()(const Value& value) const;
};
extern template struct ByteSize<std::uint32_t>;
extern template struct ByteSize<std::uint64_t>;

/// A duration from `min` to `max` that is a multiple of `step`.
struct Period {
  Duration min;
  Duration max;
  Duration step = std::chrono::milliseconds{1};

  Result<Duration> operator()(const Value& value) const;
};

/// One of a few words.
struct OneOf {
  std::vector<std::string_view> words;

  Result<std::string> operator()(const Value& value) const;
};

/// A text of `shortest` to `longest` printable characters; `wanted` says what it is.
struct Text {
  std::size_t shortest;
  std::size_t longest;
  std::string_view wanted;

  Result<std::string> operator()(const Value& value) const;
};

inline constexpr std::size_t kLongestPath = 4000;
inline constexpr Text kFilePath{0, kLongestPath, "the path of a file"};

/// A name of ours: is_name() of base/text.h.
struct Name {
  Result<std::string> operator()(const Value& value) const;
};

/// An edge's id: check_edge_id().
struct EdgeId {
  Result<std::string> operator()(const Value& value) const;
};

/// SHA-256 of a public key: 43 characters of base64url.
struct Pin {
  Result<std::string> operator()(const Value& value) const;
};

/// A text that `parse` understands.
template <class T>
struct Parsed {
  Result<T> (*parse)(std::string_view);
  std::string_view wanted;

  Result<T> operator()(const Value& value) const {
    if (const std::string* text = text_of(value)) {
      if (auto parsed = parse(*text)) return parsed;
    }
    return unfit(value, wanted);
  }
};
template <class T>
Parsed(Result<T> (*)(std::string_view), std::string_view) -> Parsed<T>;

/// What `reader` reads, or an empty text for none.
template <class Reader>
struct Maybe {
  Reader reader;

  Result<std::optional<Made<Reader>>> operator()(const Value& value) const {
    const std::string* text = text_of(value);
    if (text != nullptr && text->empty()) return std::optional<Made<Reader>>{};
    auto made = reader(value);
    if (!made) return made.error();
    return std::optional{std::move(*made)};
  }
};
template <class Reader>
Maybe(Reader) -> Maybe<Reader>;

/// A list of `fewest` to `most` different elements that `element` reads.
template <class Reader>
struct ListOf {
  Reader element;
  std::size_t fewest;
  std::size_t most;

  Result<std::vector<Made<Reader>>> operator()(const Value& value) const {
    const Value::List* list = value.list();
    if (list == nullptr || list->size() < fewest || list->size() > most) {
      return unfit(value,
                   "a list of " + std::to_string(fewest) + " to " + std::to_string(most) + " in brackets");
    }
    std::vector<Made<Reader>> out;
    for (const Value& one : *list) {
      auto made = element(one);
      if (!made) return made.error();
      if (std::find(out.begin(), out.end(), *made) != out.end()) return unfit(one, "it once");
      out.push_back(std::move(*made));
    }
    return out;
  }
};
template <class Reader>
ListOf(Reader, std::size_t, std::size_t) -> ListOf<Reader>;
template <class Reader>
inline constexpr bool kIsScalar<ListOf<Reader>> = false;

/// Ports as a list of numbers and "first-last" ranges; `fewest` ports at least.
struct Ports {
  std::uint32_t fewest;

  Result<PortSet> operator()(const Value& value) const;
};
template <>
inline constexpr bool kIsScalar<Ports> = false;

}  // namespace penstock
