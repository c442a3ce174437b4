// A lane's frames without the host's stack: in by a ring that the programs write to, out by a tap device.
#pragma once

#include <memory>

#include "base/counter.h"
#include "bpf/bpf_ring.h"
#include "host/tap_writer.h"
#include "net/bound_udp_link.h"

namespace penstock {

/// Frames that passed so far, counted by the lane's thread.
struct LaneTraffic {
  Counter in;
  Counter out;
  Counter out_calls;  // of the system, for those
};

struct LaneLinkParts {
  BpfRing ring;                          // of struct pst_frame_kept
  TapWriter tap;                         // what is written to it is then through the device's program
  Endpoint virtual_end;                  // where frames come from
  std::shared_ptr<LaneTraffic> traffic;  // with those who show it
};

/// Gives what the steering socket would: frames from the virtual end, to `local`. Sends frames whose header
/// is a pst_frame_out, whatever their peer: the device has one program, and no addresses. Those that found no
/// room the programs count.
class BoundLaneLink final : public BoundUdpLink {
 public:
  BoundLaneLink(LaneLinkParts parts, const Endpoint& where) : parts_{std::move(parts)} { local = where; }
  std::unique_ptr<UdpSocket> attach(std::shared_ptr<UdpReadiness> readiness, UdpObserver& observer) override;

 private:
  LaneLinkParts parts_;
};

}  // namespace penstock
