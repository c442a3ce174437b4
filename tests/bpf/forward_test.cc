// Direct sessions: what leaves towards backend and client, and what is left to the stack.
#include "bpf/bpf_test.h"

namespace penstock {
namespace {

class ForwardTest : public BpfTest {
 protected:
  pst_session direct(const Ends& client_side, const Ends& backend_side, std::uint32_t more_flags = 0) {
    pst_session session = model_session(id, client_side, backend_side);
    session.flags = PST_SESSION_DIRECT | more_flags;
    add(session);
    return session;
  }
  void expect_forwarded(const Packet& in, const Packet& expected) {
    const Outcome out = edge(in);
    EXPECT_EQ(summary(out), "redirect forwarded");
    EXPECT_EQ(out.packet, expected.bytes());
  }
};

TEST_F(ForwardTest, RewritesBothWays) {
  for (const Ends& ends : {kV4, kV6}) {
    direct(ends, ends);
    for (const std::size_t size : {0, 1, 2, 999, 1400}) {
      expect_forwarded(from_client(ends).payload(size), to_backend(ends).payload(size).ttl(63));
      expect_forwarded(from_backend(ends).payload(size), to_client(ends).payload(size).ttl(63));
    }
  }
}

TEST_F(ForwardTest, PutsTheProxyHeaderBeforeWhatGoesToTheBackend) {
  for (const Ends& ends : {kV4, kV6}) {
    direct(ends, ends, PST_SESSION_PROXY);
    for (const std::size_t size : {0, 1, 57, 1000}) {
      expect_forwarded(from_client(ends).payload(size),
                       to_backend(ends).payload(proxy_header(ends) + some_payload(size)).ttl(63));
      expect_forwarded(from_backend(ends).payload(size), to_client(ends).payload(size).ttl(63));
    }
  }
}

TEST_F(ForwardTest, CrossesFamilies) {
  for (const auto& [outside, inside] : {std::pair{kV4, kV6}, std::pair{kV6, kV4}}) {
    direct(outside, inside);
    expect_forwarded(from_client(outside).payload(33).tos(0x2c),
                     to_backend(inside).payload(33).ttl(63).tos(0x2c));
    expect_forwarded(from_backend(inside).payload(33).tos(0xff),
                     to_client(outside).payload(33).ttl(63).tos(0xff));
    direct(outside, inside, PST_SESSION_PROXY);
    expect_forwarded(from_client(outside).payload(33),
                     to_backend(inside).payload(proxy_header(outside) + some_payload(33)).ttl(63));
  }
}

TEST_F(ForwardTest, KeepsWhatTheSenderSetInIpv4) {
  direct(kV4, kV4);
  expect_forwarded(from_client(kV4).id(4711).tos(0xba).may_fragment().ttl(2),
                   to_backend(kV4).id(4711).tos(0xba).may_fragment().ttl(1));
}

TEST_F(ForwardTest, ReplacesTagsByTheWaysOwn) {
  for (const Ends& ends : {kV4, kV6}) {
    direct(ends, ends, PST_SESSION_PROXY);
    const Octets sent = proxy_header(ends) + some_payload(40);
    expect_forwarded(from_client(ends).payload(40).vlan(5), to_backend(ends).payload(sent).ttl(63));
    set_hop(2, 1500, 0x6123);
    expect_forwarded(from_client(ends).payload(40), to_backend(ends).payload(sent).ttl(63).vlan(0x6123));
    expect_forwarded(from_client(ends).payload(40).vlan(5).vlan(6).trailing(9),
                     to_backend(ends).payload(sent).ttl(63).vlan(0x6123));
    set_hop(2, 1500);
  }
}

TEST_F(ForwardTest, CutsTrailingBytes) {
  direct(kV4, kV4);
  expect_forwarded(from_client(kV4).payload(1).trailing(17), to_backend(kV4).payload(1).ttl(63));
}

TEST_F(ForwardTest, LeavesIpv4WithoutChecksumAndGivesIpv6One) {
  direct(kV4, kV4, PST_SESSION_PROXY);
  expect_forwarded(from_client(kV4).payload(40).no_checksum(),
                   to_backend(kV4).payload(proxy_header(kV4) + some_payload(40)).ttl(63).no_checksum());
  direct(kV4, kV6, PST_SESSION_PROXY);
  for (const std::size_t size : {0, 1, 2, 3, 4, 63, 127, 128, 129, 255, 256, 257, 1023, 1400})
    expect_forwarded(from_client(kV4).payload(size).no_checksum().vlan(3).trailing(3),
                     to_backend(kV6).payload(proxy_header(kV4) + some_payload(size)).ttl(63));
}

TEST_F(ForwardTest, LeavesToTheStackWhatItWouldSumTooLong) {
  direct(kV4, kV6);
  set_hop(2, 9000);
  expect_forwarded(from_client(kV4).payload(1536).no_checksum(), to_backend(kV6).payload(1536).ttl(63));
  expect_untouched(from_client(kV4).payload(1537).no_checksum(), "over_mtu");
  expect_forwarded(from_client(kV4).payload(1537), to_backend(kV6).payload(1537).ttl(63));
}

TEST_F(ForwardTest, LeavesToTheStackWhatHasNoWay) {
  direct(kV4, kV4, PST_SESSION_PROXY);
  map("pst_next_hops").put(std::uint32_t{2}, pst_next_hop{});
  expect_untouched(from_client(kV4).payload(5), "no_next_hop");
  set_hop(2, 1500, 0, 0);  // this host itself
  expect_untouched(from_client(kV4).payload(5), "no_next_hop");
  pst_session session = direct(kV4, kV4);
  set_hop(0, 1500);
  for (const std::uint16_t hop : {std::uint16_t{0}, std::uint16_t{4096}, std::uint16_t{65535}}) {
    session.backend_hop = session.client_hop = hop;
    add(session);
    expect_untouched(from_client(kV4).payload(5), "no_next_hop");
    expect_untouched(from_backend(kV4).payload(5), "no_next_hop");
  }
}

TEST_F(ForwardTest, LeavesExpiredDatagramsToTheSystem) {
  for (const Ends& ends : {kV4, kV6}) {
    direct(ends, ends);
    expect_untouched(from_client(ends).ttl(1), "ttl_expired");
    expect_untouched(from_client(ends).ttl(0), "ttl_expired");
    expect_untouched(from_backend(ends).ttl(1), "ttl_expired");
    expect_forwarded(from_client(ends).ttl(2), to_backend(ends).ttl(1));
  }
}

TEST_F(ForwardTest, CountsWhatItForwards) {
  direct(kV4, kV6, PST_SESSION_PROXY);
  edge(from_client(kV4).payload(100));
  edge(from_client(kV4).payload(20));
  edge(from_backend(kV6).payload(3));
  edge(from_client(kV4).ttl(1));  // not forwarded
  const pst_session session = stored(id);
  EXPECT_EQ(session.to_backend_datagrams, 2U);
  EXPECT_EQ(session.to_backend_bytes, 120U);
  EXPECT_EQ(session.to_client_datagrams, 1U);
  EXPECT_EQ(session.to_client_bytes, 3U);
  EXPECT_NE(session.client_seen, 0U);
  EXPECT_NE(session.backend_seen, 0U);
}

}  // namespace
}  // namespace penstock
