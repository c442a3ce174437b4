// Datagrams sent in batches; runs of the same size to the same peer leave as one message, which the system or
// the card cuts apart (GSO).
#pragma once

#include "net/udp_socket.h"

namespace penstock {

/// One for each socket, which it does not own. Where a path or card does not take runs, the same datagrams go
/// one by one, and runs like that are not tried again for a while.
class UdpOutbox {
 public:
  explicit UdpOutbox(int fd);
  UdpSent send(std::span<const OutgoingDatagram> batch);

 private:
  void allow_runs();
  bool forbid_runs_of(std::size_t segment, int why);

  const int fd_;
  std::size_t longest_segment_ = 0;  // of a run; 0: no runs
  unsigned calls_until_retry_ = 0;   // 0: longest_segment_ is as large as can be
  const bool has_runs_;
};

}  // namespace penstock
