// Capabilities of the calling thread: permitted for its life, effective only around the call that needs them.
#pragma once

#include <cstdint>
#include <initializer_list>

namespace penstock {

/// Whether the calling thread is permitted the capability, such as CAP_NET_ADMIN, so that it can be raised.
bool has_capability(int capability);

/// Makes capabilities effective for the calling thread until its end, which must be in the same thread. What
/// is not permitted stays off: the call that needs it then fails with EPERM. What was effective before stays
/// so.
class RaisedCapabilities {
 public:
  explicit RaisedCapabilities(std::initializer_list<int> capabilities);
  RaisedCapabilities(const RaisedCapabilities&) = delete;
  RaisedCapabilities& operator=(const RaisedCapabilities&) = delete;
  ~RaisedCapabilities();

 private:
  std::uint64_t raised_ = 0;  // bits by number
};

}  // namespace penstock
