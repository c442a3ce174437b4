// A hash map for what is asked for many times in a row.
#pragma once

#include <cstddef>
#include <functional>
#include <unordered_map>
#include <utility>

namespace penstock {

/// Remembers which element was found last, and finds that one without hashing: packets of a connection, and
/// pieces of a stream, come one behind the other. Elements stay where they are until they are erased.
template <class Key, class Value, class Hash = std::hash<Key>>
class RecentMap {
 public:
  RecentMap() = default;
  RecentMap(const RecentMap&) = delete;  // it would remember an element of the other
  RecentMap& operator=(const RecentMap&) = delete;

  /// Null when there is none.
  Value* find(const Key& key) {
    if (recent_ == nullptr || recent_->first != key) {
      const auto found = elements_.find(key);
      if (found == elements_.end()) return nullptr;
      recent_ = &*found;
    }
    return &recent_->second;
  }
  bool contains(const Key& key) { return find(key) != nullptr; }
  /// Made where there is none.
  Value& operator[](const Key& key) { return elements_[key]; }
  /// No effect where there is one already.
  Value& emplace(const Key& key, Value value) {
    return elements_.emplace(key, std::move(value)).first->second;
  }
  void erase(const Key& key) {
    if (recent_ != nullptr && recent_->first == key) recent_ = nullptr;
    elements_.erase(key);
  }

  std::size_t size() const { return elements_.size(); }
  auto begin() const { return elements_.begin(); }
  auto end() const { return elements_.end(); }

 private:
  std::unordered_map<Key, Value, Hash> elements_;
  std::pair<const Key, Value>* recent_ = nullptr;
};

}  // namespace penstock
