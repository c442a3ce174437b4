#include "tunnel/send_scheduler.h"

namespace penstock {

SendScheduler::SendScheduler() {
  new_.before = new_.after = &new_;
  old_.before = old_.after = &old_;
}

void SendScheduler::append(Entry& list, Entry& entry, Entry::Place place) {
  entry.before = list.before;
  entry.after = &list;
  list.before->after = &entry;
  list.before = &entry;
  entry.place = place;
}

void SendScheduler::unlink(Entry& entry) {
  entry.before->after = entry.after;
  entry.after->before = entry.before;
  entry.before = entry.after = nullptr;
  entry.place = Entry::Place::kNone;
}

void SendScheduler::add(Entry& entry) {
  if (entry.place != Entry::Place::kNone) return;
  // Quiet while everyone else had a turn: its quantum is fresh again.
  const std::uint64_t round = (old_count_ + 1) * static_cast<std::uint64_t>(kQuantum);
  if (!entry.seen || served_ - entry.served_at >= round) entry.deficit = kQuantum;
  entry.seen = true;
  if (entry.deficit > 0) {
    append(new_, entry, Entry::Place::kNew);
  } else {
    append(old_, entry, Entry::Place::kOld);
    ++old_count_;
  }
}

void SendScheduler::remove(Entry& entry) {
  if (entry.place == Entry::Place::kNone) return;
  if (entry.place == Entry::Place::kOld) --old_count_;
  unlink(entry);
}

SendScheduler::Entry* SendScheduler::next() {
  for (;;) {
    Entry* entry = new_.after != &new_ ? new_.after : old_.after;
    if (entry == &old_) return nullptr;
    if (entry->deficit > 0) return entry;
    if (entry->place == Entry::Place::kNew) ++old_count_;
    entry->deficit += kQuantum;
    unlink(*entry);
    append(old_, *entry, Entry::Place::kOld);
  }
}

void SendScheduler::charge(Entry& entry, std::size_t bytes) {
  served_ += bytes;
  entry.deficit -= static_cast<std::int64_t>(bytes);
  entry.served_at = served_;
}

}  // namespace penstock
