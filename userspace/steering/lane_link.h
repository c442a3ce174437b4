// A lane's frames without the host's stack: in by a ring that the programs write to, out by a tap device.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "base/file_descriptor.h"
#include "bpf/bpf_ring.h"
#include "net/bound_udp_link.h"

namespace penstock {

/// Frames that passed so far. Written by the lane's thread, read by any.
struct LaneTraffic {
  std::atomic<std::uint64_t> in{0};
  std::atomic<std::uint64_t> out{0};
};

struct LaneLinkParts {
  BpfRing ring;  // of struct pst_frame_kept
  FileDescriptor
      tap;  // what is written to it is at the device, and through its program, when write() returns
  Endpoint virtual_end;                  // where frames come from
  std::shared_ptr<LaneTraffic> traffic;  // with those who show it
};

/// Gives what the steering socket would: frames from the virtual end, and what is sent leaves from `local`.
/// Both ends are of IPv4. An overrun counts datagrams with a wrong checksum; of those that found no room the
/// programs keep count.
class BoundLaneLink final : public BoundUdpLink {
 public:
  BoundLaneLink(LaneLinkParts parts, const Endpoint& where) : parts_{std::move(parts)} { local = where; }
  std::unique_ptr<UdpSocket> attach(std::shared_ptr<UdpReadiness> readiness, UdpObserver& observer) override;

 private:
  LaneLinkParts parts_;
};

}  // namespace penstock
