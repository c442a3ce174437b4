#include "tunnel/send_scheduler.h"

#include <algorithm>
#include <utility>

namespace penstock {

SendScheduler::SendScheduler(std::int64_t quantum) : quantum_{quantum} {
  new_.before = new_.after = &new_;
  old_.before = old_.after = &old_;
  append(old_, mark_, Entry::Place::kOld);
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
  const bool had_its_turn = std::exchange(entry.round, round_) == round_;
  if (!had_its_turn) entry.deficit = std::min(entry.deficit + quantum_, quantum_);  // debts are paid
  if (entry.deficit > 0) return append(new_, entry, Entry::Place::kNew);
  entry.deficit += quantum_;
  append(old_, entry, Entry::Place::kOld);
}

void SendScheduler::remove(Entry& entry) {
  if (entry.place != Entry::Place::kNone) unlink(entry);
}

SendScheduler::Entry* SendScheduler::next() {
  while (!empty()) {
    Entry* const entry = new_.after != &new_ ? new_.after : old_.after;
    if (entry != &mark_ && entry->deficit > 0) {
      entry->round = round_;
      return entry;
    }
    if (entry == &mark_) {
      ++round_;
    } else {
      entry->deficit += quantum_;
    }
    unlink(*entry);
    append(old_, *entry, Entry::Place::kOld);
  }
  return nullptr;
}

void SendScheduler::charge(Entry& entry, std::size_t bytes) {
  entry.deficit -= static_cast<std::int64_t>(bytes);
}

}  // namespace penstock
