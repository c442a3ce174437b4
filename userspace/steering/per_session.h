// What somebody keeps beside each session of a table.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace penstock {

/// By the table's index of a session. Grows by chunks with the slots that were ever used, as the table does,
/// and nothing in it moves. One thread.
template <class T>
class PerSession {
 public:
  /// That of a session for which there was place before.
  T& operator[](std::uint32_t index) { return chunks_[index / kChunk][index % kChunk]; }
  const T& operator[](std::uint32_t index) const { return chunks_[index / kChunk][index % kChunk]; }
  /// The same; makes place first, where there is none.
  T& reach(std::uint32_t index) {
    while (index / kChunk >= chunks_.size()) chunks_.push_back(std::make_unique<T[]>(kChunk));
    return (*this)[index];
  }

 private:
  static constexpr std::uint32_t kChunk = 1024;

  std::vector<std::unique_ptr<T[]>> chunks_;
};

}  // namespace penstock
