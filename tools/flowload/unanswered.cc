#include "flowload/unanswered.h"

#include <algorithm>

namespace penstock::flowload {

void Unanswered::sent(std::size_t count, Time now) {
  for (std::size_t i = 0; i < count; ++i) {
    if (next_ - oldest_ == kMost) drop_oldest();
    sent_at_[next_++ % kMost] = now;
    ++waiting_;
  }
  counts_.sent += count;
}

void Unanswered::answered(std::uint64_t number, Time now) {
  if (number >= next_) {
    ++counts_.stray;
    return;
  }
  Time& at = sent_at_[number % kMost];
  const bool is_kept = next_ - number <= kMost;
  if (is_kept && at == kAnswered) {
    ++counts_.duplicates;
    return;
  }
  if (number < oldest_) {
    ++counts_.late;
    if (is_kept) at = kAnswered;
    return;
  }
  round_trips_.add(now - at);
  at = kAnswered;
  --waiting_;
  ++counts_.answered;
  std::uint64_t& last = last_[session_of(number)];
  if (number < last) ++counts_.reordered;
  last = std::max(last, number + 1);
  skip_answered();
}

void Unanswered::give_up(Time limit) {
  while (waiting_ > 0 && oldest() < limit) drop_oldest();
}

void Unanswered::drop_oldest() {
  if (sent_at_[oldest_ % kMost] != kAnswered) --waiting_;
  ++oldest_;
  skip_answered();
}

void Unanswered::skip_answered() {
  while (oldest_ < next_ && sent_at_[oldest_ % kMost] == kAnswered) ++oldest_;
}

}  // namespace penstock::flowload
