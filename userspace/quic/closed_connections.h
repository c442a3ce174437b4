// Connections that ended a moment ago (RFC 9000, 10.2): whom their late packets are answered for.
#pragma once

#include <list>
#include <unordered_map>

#include "quic/connection_host.h"

namespace penstock {

class ClosedConnections {
 public:
  void add(ConnectionRemains remains, Time now);
  bool knows(const ConnectionId& id) const { return ids_.contains(id); }
  /// What is to be answered to a packet of that size; nothing mostly. The more come, the fewer are answered.
  Bytes answer_for(const ConnectionId& id, std::size_t size);
  void forget_until(Time now);
  /// When the next one is to be forgotten.
  Time next() const { return kept_.empty() ? kNever : kept_.front().until; }

 private:
  static constexpr std::size_t kMost = 1024;
  struct Kept {
    ConnectionRemains remains;
    Time until;
    std::uint64_t packets = 0;  // that came since
  };
  void forget_first();

  std::list<Kept> kept_;  // in the order in which they ended
  std::unordered_map<ConnectionId, Kept*, ConnectionIdHash> ids_;
};

}  // namespace penstock
