// The books between nodes: what an edge says it sent and received, beside what this hub received and sent.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "proto/messages.h"
#include "tunnel/ledger.h"

namespace penstock {

/// One direction of one edge's tunnel, of datagrams or of streams' bytes, since the hub began to compare.
/// What is on its way counts as missing; so the numbers are exact only when traffic rests.
struct TunnelBook {
  std::string edge;
  bool streams = false;  // only bytes count then
  bool to_client = false;
  std::uint64_t sent = 0;
  std::uint64_t sent_bytes = 0;
  std::uint64_t received = 0;
  std::uint64_t received_bytes = 0;
  Time reported{};  // when the edge last told

  std::uint64_t missing() const { return sent > received ? sent - received : 0; }
  std::uint64_t missing_bytes() const {
    return sent_bytes > received_bytes ? sent_bytes - received_bytes : 0;
  }
};

/// Compares from an instance's first REPORT on: what either side counted before that, for another instance or
/// towards another hub, is nobody's loss. Pure; one thread; bounded by the edges that are known.
class TunnelBooks {
 public:
  /// `rows` are the ledgers of all workers at about the time of the report.
  void report(const std::string& edge, std::uint64_t instance, const ReportMessage& report,
              const std::vector<LedgerRow>& rows, Time now);
  void forget(const std::string& edge) { tunnels_.erase(edge); }
  /// Four for each edge that has reported.
  std::vector<TunnelBook> list() const;

 private:
  struct Tunnel {
    std::uint64_t instance = 0;
    ReportMessage theirs_before;
    ReportMessage ours_before;  // in the edge's words: `sent` is what we received
    ReportMessage theirs;
    ReportMessage ours;
    Time reported{};
  };

  std::map<std::string, Tunnel> tunnels_;
};

}  // namespace penstock
