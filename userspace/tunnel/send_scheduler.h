// Whose bytes go into the tunnel next: deficit round robin over streams, with a short way for the quiet ones.
#pragma once

#include <cstddef>
#include <cstdint>

namespace penstock {

/// Deficit round robin in the manner of RFC 8290 (FQ-CoDel, section 4.2), without its queue management: a stream that
/// has been quiet for a whole round is served before the busy ones, once, for at most one quantum; so a small request
/// never waits behind bulk, and bulk shares what is left equally in bytes. Pure; owns nothing.
class SendScheduler {
 public:
  static constexpr std::int64_t kQuantum = 16384;

  /// Embedded in what is scheduled. Must be removed before it is destroyed.
  struct Entry {
    Entry* before = nullptr;
    Entry* after = nullptr;
    std::int64_t deficit = 0;
    std::uint64_t served_at = 0;  // the scheduler's total when it last served this entry
    enum class Place : std::uint8_t { kNone, kNew, kOld } place = Place::kNone;
    bool seen = false;
  };

  SendScheduler();
  SendScheduler(const SendScheduler&) = delete;
  SendScheduler& operator=(const SendScheduler&) = delete;

  /// The entry has something to send. No effect when it is in already.
  void add(Entry& entry);
  /// It has nothing more for now. No effect when it is not in.
  void remove(Entry& entry);
  /// Who may send next: its deficit is positive, and may be overdrawn by what it sends; null when there is nobody.
  Entry* next();
  /// The entry sent so many bytes.
  void charge(Entry& entry, std::size_t bytes);
  bool empty() const { return new_.after == &new_ && old_.after == &old_; }

 private:
  static void append(Entry& list, Entry& entry, Entry::Place place);
  static void unlink(Entry& entry);

  Entry new_;  // heads of circular lists
  Entry old_;
  std::uint64_t served_ = 0;
  std::uint64_t old_count_ = 0;
};

}  // namespace penstock
