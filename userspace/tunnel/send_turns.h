// Whose turn it is on a carrier, that of its streams or that of its datagrams.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace penstock {

/// While both wait they send the same number of bytes, in turns of one frame's worth; datagrams begin, since
/// they are the more urgent. Who sends while the other has nothing owes nothing for it, and who has nothing
/// saves nothing up; but a debt is remembered, so that nobody gains by having nothing for a moment. Pure.
class SendTurns {
 public:
  enum class Who : std::uint8_t { kNobody, kStreams, kDatagrams };

  /// Of those that have something to send.
  Who next(bool streams, bool datagrams) const {
    if (streams && datagrams) return ahead_ > 0 ? Who::kStreams : Who::kDatagrams;
    if (streams) return Who::kStreams;
    return datagrams ? Who::kDatagrams : Who::kNobody;
  }
  /// It was their turn, and they sent so many bytes.
  void sent(Who who, std::size_t bytes, bool other_waits) {
    const bool datagrams = who == Who::kDatagrams;
    const auto change = static_cast<std::int64_t>(bytes);
    ahead_ += datagrams ? change : -change;
    if (!other_waits)
      ahead_ = datagrams ? std::min<std::int64_t>(ahead_, 0) : std::max<std::int64_t>(ahead_, 0);
  }

 private:
  std::int64_t ahead_ = 0;  // bytes that datagrams sent more than streams
};

}  // namespace penstock
