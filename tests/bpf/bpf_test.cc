// The fixture of all packet tests.
#include "bpf/bpf_test.h"

#include <linux/pkt_cls.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "bpf/pcap.h"

namespace penstock {
namespace {

std::string reason_label(std::size_t number) {
  switch (number) {
#define X(id, value, label, help) \
  case value:                     \
    return label;
    PST_REASONS(X)
#undef X
    default:
      return "number " + std::to_string(number);
  }
}

Octets big_endian_bytes(std::uint32_t word) {
  return {static_cast<std::uint8_t>(word >> 24), static_cast<std::uint8_t>(word >> 16),
          static_cast<std::uint8_t>(word >> 8), static_cast<std::uint8_t>(word)};
}

/// A verdict of a program on TC by the number that XDP has for it.
int as_xdp(int verdict) {
  switch (verdict) {
    case TC_ACT_UNSPEC:
      return XDP_PASS;
    case TC_ACT_SHOT:
      return XDP_DROP;
    case TC_ACT_REDIRECT:
      return XDP_REDIRECT;
    default:
      return -1;
  }
}

}  // namespace

int packets_of(int most) {
  return std::getenv("PENSTOCK_EMULATED") == nullptr ? most : most / 10;
}

void compare_counts(const std::vector<pst_count>& before, const std::vector<pst_count>& after, Outcome& out) {
  out.reason = "none";
  for (std::size_t i = 0; i < after.size(); ++i) {
    if (after[i].packets == before[i].packets) continue;
    const bool once = out.reason == "none" && after[i].packets == before[i].packets + 1;
    out.reason = once ? reason_label(i % PST_R_MAX) : "several";
    out.bytes = after[i].bytes - before[i].bytes;
  }
}

std::string summary(const Outcome& outcome) {
  constexpr std::array<const char*, 5> kVerdicts{"aborted", "drop", "pass", "tx", "redirect"};
  const auto verdict = static_cast<std::size_t>(outcome.verdict);
  return std::string{verdict < kVerdicts.size() ? kVerdicts[verdict] : "?"}.append(" ").append(
      outcome.reason);
}

void BpfTest::SetUp() {
  programs.clear();
  drops_before_ = map("pst_service_drops").sums<pst_count>();
  set_settings(model_settings());
  set_guard({.prefix_v4 = 32, .prefix_v6 = 64});
  for (const Ends& ends : {kV4, kV6})
    map("pst_addresses").put(abi_address(ends.local), std::uint32_t{PST_ADDRESS_OWN});
  assign_udp(kPort, kService);
  for (std::uint32_t service = 0; service <= kService + 1; ++service)
    map("pst_services").put(service, pst_service{});
  set_hop(1, 1500);
  set_hop(2, 1500);
}

void BpfTest::TearDown() {
  programs.clear();
  if (!HasFailure()) return;
  const auto* test = testing::UnitTest::GetInstance()->current_test_info();
  const std::string name = std::string{test->test_suite_name()}.append(".").append(test->name());
  std::fprintf(stderr, "packets: %s\n", write_pcap(name, captured_).c_str());
}

Outcome BpfTest::run(const std::string& program, const Octets& packet, std::uint32_t joined) {
  const auto before = map("pst_counters").sums<pst_count>();
  const TestRun ran = programs.run(program, packet, joined);
  const bool on_tc = program.find("_tc") != std::string::npos;
  Outcome out{.verdict = on_tc ? as_xdp(ran.verdict) : ran.verdict, .packet = ran.packet};
  compare_counts(before, map("pst_counters").sums<pst_count>(), out);
  captured_.push_back(packet);
  captured_.push_back(out.packet);
  return out;
}

void BpfTest::expect_untouched(const Packet& packet, const std::string& reason) {
  const Outcome out = edge(packet);
  EXPECT_EQ(summary(out), "pass " + reason);
  EXPECT_EQ(out.packet, packet.bytes());
}

void BpfTest::set_hop(std::uint32_t index, std::uint16_t mtu, std::uint16_t vlan, std::uint32_t device,
                      pst_hop_way way) {
  pst_next_hop hop{
      .valid = 1, .way = static_cast<__u16>(way), .device = device, .vlan = big_endian(vlan), .mtu = mtu};
  if (way == PST_HOP_BARE) return map("pst_next_hops").put(index, hop);
  std::copy(kHopTo.begin(), kHopTo.end(), hop.to);
  std::copy(kHopFrom.begin(), kHopFrom.end(), hop.from);
  map("pst_next_hops").put(index, hop);
}

void BpfTest::assign_udp(std::uint16_t port, std::uint16_t service) {
  map("pst_ports")
      .put(PST_UDP_PORT(std::uint32_t{port}), pst_port{.service = service, .use = PST_PORT_PUBLIC});
}

void BpfTest::add(const pst_session& session) {
  map("pst_sessions").put(session.id & (PST_SLOTS - 1), session);
  map("pst_paths").put(path_from_client(session), pst_path_owner{session.id, 0});
  map("pst_paths").put(path_from_backend(session), pst_path_owner{session.id, 1});
}

pst_session BpfTest::stored(std::uint32_t id_of) {
  return map("pst_sessions").get<pst_session>(id_of & (PST_SLOTS - 1)).value();
}

std::uint64_t BpfTest::service_drops(std::uint16_t service, pst_reason reason) {
  const std::size_t index =
      std::size_t{service} * PST_SERVICE_REASONS + (std::size_t{reason} - PST_SERVICE_REASON_FIRST);
  return map("pst_service_drops").sums<pst_count>()[index].packets - drops_before_[index].packets;
}

Octets operator+(Octets front, const Octets& back) {
  front.insert(front.end(), back.begin(), back.end());
  return front;
}

Octets frame_in(std::uint32_t id) {
  return big_endian_bytes(id);
}

Octets frame_out(std::uint32_t id, std::size_t length, std::uint8_t flags) {
  return big_endian_bytes(id) +
         Octets{static_cast<std::uint8_t>(length >> 8), static_cast<std::uint8_t>(length), flags, 0};
}

}  // namespace penstock
