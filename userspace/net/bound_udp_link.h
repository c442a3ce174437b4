// UDP that passes by other means than a socket of the system.
#pragma once

#include <memory>

#include "net/udp_readiness.h"
#include "net/udp_socket.h"

namespace penstock {

/// It becomes a UdpSocket of its own kind on the loop that it is handed to.
class BoundUdpLink : public BoundUdp {
 public:
  /// Once. What is read is told of to `observer`, which outlives the answer.
  virtual std::unique_ptr<UdpSocket> attach(std::shared_ptr<UdpReadiness> readiness,
                                            UdpObserver& observer) = 0;
};

}  // namespace penstock
