// Whose bytes go into the tunnel next: deficit round robin over streams, with a short way for the quiet ones.
#pragma once

#include <cstddef>
#include <cstdint>

namespace penstock {

/// Deficit round robin in the manner of RFC 8290 (FQ-CoDel, section 4.2), without its queue management: a
/// stream that comes back goes before the busy ones until it has sent one quantum in a round; so a small
/// request never waits behind bulk, and bulk shares what is left equally in bytes. A round is one turn of all
/// busy streams. Pure; owns nothing.
class SendScheduler {
 public:
  /// Embedded in what is scheduled. Must be removed before it is destroyed.
  struct Entry {
    Entry* before = nullptr;
    Entry* after = nullptr;
    std::int64_t deficit = 0;
    std::uint64_t round = 0;  // in which it had its last turn
    enum class Place : std::uint8_t { kNone, kNew, kOld } place = Place::kNone;
  };

  /// `quantum`: bytes of a turn.
  explicit SendScheduler(std::int64_t quantum);
  SendScheduler(const SendScheduler&) = delete;
  SendScheduler& operator=(const SendScheduler&) = delete;

  /// `quantum`: bytes of a turn, of those that are given from now on.
  void set_quantum(std::int64_t quantum) { quantum_ = quantum; }

  /// The entry has something to send. No effect when it is in already.
  void add(Entry& entry);
  /// It has nothing more for now. No effect when it is not in.
  void remove(Entry& entry);
  /// Who may send next: its deficit is positive, and may be overdrawn by what it sends; null when there is
  /// nobody.
  Entry* next();
  /// Bytes of the turn of one that next() gave: at least one.
  static std::size_t left_of_turn(const Entry& entry) { return static_cast<std::size_t>(entry.deficit); }
  /// The entry sent so many bytes.
  void charge(Entry& entry, std::size_t bytes);
  bool empty() const { return new_.after == &new_ && nobody_busy(); }

 private:
  static void append(Entry& list, Entry& entry, Entry::Place place);
  static void unlink(Entry& entry);
  bool nobody_busy() const { return old_.after == &mark_ && old_.before == &mark_; }

  std::int64_t quantum_;
  Entry new_;  // heads of circular lists
  Entry old_;
  Entry mark_;  // always in the old list; a round is over when its turn comes
  std::uint64_t round_ = 1;
};

}  // namespace penstock
