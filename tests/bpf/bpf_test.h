// The fixture of all packet tests: a described node, a program run on a packet, and what was counted for it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <netinet/in.h>

#include <string>
#include <vector>

#include "bpf/bpf_programs.h"
#include "bpf/packet.h"
#include "bpf/session_model.h"
#include "penstock/abi/frame.h"
#include "penstock/abi/reasons.h"

namespace penstock {

/// What a program made of a packet, and the one reason that it counted.
struct Outcome {
  int verdict = -1;
  std::string reason;  // its label; "none" or "several" if not exactly one was counted once
  std::uint64_t bytes = 0;
  Octets packet;
};

/// The verdict's name and the reason's label, as in "drop forged": what most tests compare.
std::string summary(const Outcome& outcome);

/// Fills in which reason was counted between two readings of pst_counters, and its bytes.
void compare_counts(const std::vector<pst_count>& before, const std::vector<pst_count>& after, Outcome& out);

/// How many packets to draw at random: `most`, or a tenth of it where every instruction is emulated and the
/// run says so (PENSTOCK_EMULATED): another kernel changes no arithmetic.
int packets_of(int most);

/// Starts every test with model_settings(), own addresses, kPort assigned for UDP, and ways 1 and 2. A failed
/// test leaves its packets in a capture, each followed by what it became.
class BpfTest : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  /// `joined` as in BpfPrograms::run().
  Outcome run(const std::string& program, const Octets& packet, std::uint32_t joined = 0);
  Outcome run(const std::string& program, const Packet& packet) { return run(program, packet.bytes()); }
  Outcome edge(const Packet& packet) { return run("edge_xdp", packet.bytes()); }
  /// Expects that the edge's program leaves the packet alone, to the byte, for that reason.
  void expect_untouched(const Packet& packet, const std::string& reason);

  BpfMap& map(const std::string& name) { return programs.map(name); }
  void set_settings(const pst_settings& settings) { map("pst_settings").put(std::uint32_t{0}, settings); }
  void set_guard(const pst_guard& guard) { map("pst_guard").put(std::uint32_t{0}, guard); }
  void set_hop(std::uint32_t index, std::uint16_t mtu, std::uint16_t vlan = 0,
               std::uint32_t device = kHopDevice, pst_hop_way way = PST_HOP_FRAME);
  void assign_udp(std::uint16_t port, std::uint16_t service);
  /// Puts the session into its slot, with both its paths.
  void add(const pst_session& session);
  pst_session stored(std::uint32_t id);
  /// Drops of that service for that reason since the test began.
  std::uint64_t service_drops(std::uint16_t service, pst_reason reason);

  BpfPrograms& programs = BpfPrograms::loaded();
  const std::uint32_t id = session_id(5, 9);

 private:
  std::vector<pst_count> drops_before_;
  std::vector<Octets> captured_;
};

/// From the client of such a session to its port.
inline Packet from_client(const Ends& ends) {
  return Packet{}.eth().ip(ends.client, ends.local).udp(kClientPort, kPort);
}
/// From its backend.
inline Packet from_backend(const Ends& ends) {
  return Packet{}.eth().ip(ends.backend, ends.source).udp(kBackendPort, kSourcePort);
}
/// What leaves by a way of set_hop().
inline Packet to_backend(const Ends& ends) {
  return Packet{}.eth(kHopTo, kHopFrom).ip(ends.source, ends.backend).udp(kSourcePort, kBackendPort);
}
inline Packet to_client(const Ends& ends) {
  return Packet{}.eth(kHopTo, kHopFrom).ip(ends.local, ends.client).udp(kPort, kClientPort);
}

Octets operator+(Octets front, const Octets& back);
/// The head of an inward frame.
Octets frame_in(std::uint32_t id);
/// The head of an outward frame.
Octets frame_out(std::uint32_t id, std::size_t length, std::uint8_t flags);

}  // namespace penstock
