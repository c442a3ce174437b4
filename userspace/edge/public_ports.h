// How an edge opens its public ports where not with a socket for each.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "net/network.h"

namespace penstock {

/// Used on the control loop's thread. Outlives the edge.
class PublicPorts {
 public:
  virtual ~PublicPorts() = default;
  /// Connections to open TCP ports are told to `observer` until the answer is destroyed.
  virtual std::unique_ptr<Pending> serve(ListenerObserver& observer) = 0;
  /// The port is open until the answer is destroyed. Fails when another program has it.
  virtual Result<std::unique_ptr<Pending>> open(const Endpoint& on, bool udp) = 0;
  /// Whose port it is, for the books.
  virtual void set_service(std::uint16_t port, bool udp, const std::string& service) = 0;
  /// So many workers, from the first, take new UDP sessions from now on.
  virtual void share_among(unsigned workers) = 0;
};

}  // namespace penstock
