// Values that many share, each by a number of 16 bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace penstock {

/// A value has its number while anybody uses it; then the number is free for another value. So memory is
/// bounded by the values in use at once. T has an order. One thread.
template <class T>
class Numbered {
 public:
  static constexpr std::size_t kMost = 1U << 16;

  /// `most` values at once, at most kMost.
  explicit Numbered(std::size_t most = kMost) : most_{most} {}

  /// The value's number, for one more user; nothing while as many other values as may be are in use.
  std::optional<std::uint16_t> take(const T& value) {
    if (const auto known = numbers_.find(value); known != numbers_.end()) {
      ++entries_[known->second].users;
      return known->second;
    }
    if (numbers_.size() == most_) return std::nullopt;
    if (free_.empty()) {
      free_.push_back(static_cast<std::uint16_t>(entries_.size()));
      entries_.emplace_back();
    }
    const std::uint16_t number = free_.back();
    free_.pop_back();
    entries_[number] = {.value = value, .users = 1};
    return numbers_[value] = number;
  }
  /// One user less of a number that take() gave.
  void give_back(std::uint16_t number) {
    Entry& entry = entries_[number];
    if (--entry.users > 0) return;
    numbers_.erase(entry.value);
    entry = {};
    free_.push_back(number);
  }
  /// The value of a number in use.
  const T& operator[](std::uint16_t number) const { return entries_[number].value; }
  /// Calls `visit` with each value in use, in its order.
  template <class Visit>
  void for_each(const Visit& visit) const {
    for (const auto& [value, number] : numbers_) visit(value);
  }
  std::size_t size() const { return numbers_.size(); }

 private:
  struct Entry {
    T value{};
    std::uint32_t users = 0;
  };

  const std::size_t most_;
  std::vector<Entry> entries_;  // by number
  std::vector<std::uint16_t> free_;
  std::map<T, std::uint16_t> numbers_;
};

}  // namespace penstock
