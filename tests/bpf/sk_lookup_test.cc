// Which socket takes what the system looks a socket for.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>
#include <map>
#include <set>

#include "base/file_descriptor.h"
#include "bpf/bpf_test.h"

namespace penstock {
namespace {

struct LookUp {
  int verdict = -1;
  std::uint64_t socket = 0;  // cookie of the chosen one; 0: the system's own choice
  std::string reason;
};

class SkLookupTest : public BpfTest {
 protected:
  /// Puts a bound (and for TCP listening) socket of loopback into the element, and returns its cookie.
  std::uint64_t put_socket(std::uint32_t element, int family, int type) {
    FileDescriptor socket{::socket(family, type | SOCK_CLOEXEC, 0)};
    sockaddr_storage address{};
    Endpoint{family == AF_INET ? IpAddress::v4(INADDR_LOOPBACK) : IpAddress::parse("::1").value(), 0}
        .to_sockaddr(address);
    const socklen_t length = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    EXPECT_EQ(bind(socket.get(), reinterpret_cast<sockaddr*>(&address), length), 0);
    if (type == SOCK_STREAM) {
      EXPECT_EQ(listen(socket.get(), 1), 0);
    }
    map("pst_sockets").put(element, static_cast<std::uint64_t>(socket.get()));
    std::uint64_t cookie = 0;
    socklen_t size = sizeof(cookie);
    EXPECT_EQ(getsockopt(socket.get(), SOL_SOCKET, SO_COOKIE, &cookie, &size), 0);
    sockets_.push_back(std::move(socket));
    return cookie;
  }

  LookUp look_up(int protocol, const Ends& ends, std::uint16_t remote_port, std::uint16_t local_port) {
    bpf_sk_lookup context{};
    const IpAddress remote = IpAddress::parse(ends.client).value();
    const IpAddress local = IpAddress::parse(ends.local).value();
    context.family = remote.is_v4() ? AF_INET : AF_INET6;
    context.protocol = static_cast<std::uint32_t>(protocol);
    context.remote_port = big_endian(remote_port);
    context.local_port = local_port;
    if (remote.is_v4()) {
      std::memcpy(&context.remote_ip4, remote.v4_bytes().data(), 4);
      std::memcpy(&context.local_ip4, local.v4_bytes().data(), 4);
    } else {
      std::memcpy(context.remote_ip6, remote.bytes().data(), 16);
      std::memcpy(context.local_ip6, local.bytes().data(), 16);
    }
    return run_on(context);
  }
  LookUp udp(const Ends& ends, std::uint16_t remote_port = kClientPort, std::uint16_t local_port = kPort) {
    return look_up(IPPROTO_UDP, ends, remote_port, local_port);
  }
  LookUp tcp(const Ends& ends, std::uint16_t local_port = kPort) {
    return look_up(IPPROTO_TCP, ends, kClientPort, local_port);
  }

 private:
  LookUp run_on(bpf_sk_lookup context) {
    const auto before = map("pst_counters").sums<pst_count>();
    LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = &context, .ctx_out = &context,
                .ctx_size_in = sizeof(context), .ctx_size_out = sizeof(context));
    EXPECT_EQ(bpf_prog_test_run_opts(programs.program("pst_sk_lookup"), &options), 0) << std::strerror(errno);
    Outcome counted;
    compare_counts(before, map("pst_counters").sums<pst_count>(), counted);
    return {static_cast<int>(options.retval), context.cookie, counted.reason};
  }

  std::vector<FileDescriptor> sockets_;
};

void expect_socket(const LookUp& found, std::uint64_t cookie) {
  EXPECT_EQ(found.verdict, SK_PASS);
  EXPECT_EQ(found.socket, cookie);
  EXPECT_EQ(found.reason, cookie == 0 ? "none" : "steered");
}

TEST_F(SkLookupTest, LeadsTcpToTheListenerOfTheFamily) {
  const std::uint64_t v4 = put_socket(PST_SOCKET_TCP4, AF_INET, SOCK_STREAM);
  const std::uint64_t v6 = put_socket(PST_SOCKET_TCP6, AF_INET6, SOCK_STREAM);
  map("pst_ports").put(std::uint32_t{443}, pst_port{.service = 1, .use = PST_PORT_PUBLIC});
  expect_socket(tcp(kV4, 443), v4);
  expect_socket(tcp(kV6, 443), v6);
}

TEST_F(SkLookupTest, LeavesOtherPortsToTheSystem) {
  put_socket(PST_SOCKET_TCP4, AF_INET, SOCK_STREAM);
  put_socket(PST_SOCKET_UDP4(0), AF_INET, SOCK_DGRAM);
  put_socket(PST_SOCKET_UDP4(1), AF_INET, SOCK_DGRAM);
  map("pst_ports").put(std::uint32_t{443}, pst_port{.service = 1, .use = PST_PORT_PUBLIC});
  expect_socket(tcp(kV4, kPort), 0);  // assigned for UDP only
  expect_socket(tcp(kV4, 22), 0);
  expect_socket(udp(kV4, kClientPort, 443), 0);  // for TCP only
  expect_socket(udp(kV4, kClientPort, 0), 0);
  map("pst_ports").put(PST_UDP_PORT(53U), pst_port{.service = 1, .use = PST_PORT_FREE});
  expect_socket(udp(kV4, kClientPort, 53), 0);
}

TEST_F(SkLookupTest, RefusesAtOnceWithoutAController) {
  map("pst_ports").put(std::uint32_t{443}, pst_port{.service = 1, .use = PST_PORT_PUBLIC});
  for (const Ends& ends : {kV4, kV6}) {
    const LookUp refused_tcp = tcp(ends, 443);
    EXPECT_EQ(refused_tcp.verdict, SK_DROP);
    EXPECT_EQ(refused_tcp.reason, "shutdown");
    const LookUp refused_udp = udp(ends);
    EXPECT_EQ(refused_udp.verdict, SK_DROP);
    EXPECT_EQ(refused_udp.reason, "shutdown");
  }
}

TEST_F(SkLookupTest, ServesTheBoundAddressesAloneWhereTheyAreNamed) {
  map("pst_ports").put(std::uint32_t{443}, pst_port{.service = 1, .use = PST_PORT_PUBLIC});
  pst_settings settings = model_settings();
  settings.any_v4 = settings.any_v6 = 0;
  set_settings(settings);
  for (const Ends& ends : {kV4, kV6}) {
    expect_socket(tcp(ends, 443), 0);
    expect_socket(udp(ends), 0);
    map("pst_addresses").put(abi_address(ends.local), std::uint32_t{PST_ADDRESS_BIND});
    EXPECT_EQ(tcp(ends, 443).verdict, SK_DROP);
    EXPECT_EQ(udp(ends).verdict, SK_DROP);
  }
}

TEST_F(SkLookupTest, JudgesEachFamilyByItself) {
  pst_settings settings = model_settings();
  settings.any_v6 = 0;
  set_settings(settings);
  EXPECT_EQ(udp(kV4).verdict, SK_DROP);
  expect_socket(udp(kV6), 0);
}

TEST_F(SkLookupTest, KeepsAClientOnOneEdgeLaneAndSpreadsClients) {
  std::set<std::uint64_t> lanes_v4, lanes_v6;
  for (const std::uint32_t lane : {0U, 1U}) {
    lanes_v4.insert(put_socket(PST_SOCKET_UDP4(lane), AF_INET, SOCK_DGRAM));
    lanes_v6.insert(put_socket(PST_SOCKET_UDP6(lane), AF_INET6, SOCK_DGRAM));
  }
  std::map<std::uint64_t, int> taken_v4, taken_v6;
  for (std::uint16_t port = 1; port <= 200; ++port) {
    const std::uint64_t first = udp(kV4, port).socket;
    EXPECT_EQ(udp(kV4, port).socket, first);
    EXPECT_TRUE(lanes_v4.contains(first));
    ++taken_v4[first];
    ++taken_v6[udp(kV6, port).socket];
  }
  EXPECT_EQ(taken_v4.size(), 2U);
  EXPECT_EQ(taken_v6.size(), 2U);
  for (const auto& [socket, times] : taken_v4) EXPECT_GT(times, 50);
  for (const auto& [socket, times] : taken_v6) {
    EXPECT_TRUE(lanes_v6.contains(socket));
    EXPECT_GT(times, 50);
  }
}

TEST_F(SkLookupTest, UsesTheFirstLaneIfNoneIsSaid) {
  const std::uint64_t only = put_socket(PST_SOCKET_UDP4(0), AF_INET, SOCK_DGRAM);
  pst_settings settings = model_settings();
  settings.edge_lanes = 0;
  set_settings(settings);
  for (std::uint16_t port = 1; port <= 20; ++port) expect_socket(udp(kV4, port), only);
}

TEST_F(SkLookupTest, LeadsASessionToItsLaneWhateverThePort) {
  const std::uint64_t lane_v4 = put_socket(PST_SOCKET_UDP4(7), AF_INET, SOCK_DGRAM);
  const std::uint64_t lane_v6 = put_socket(PST_SOCKET_UDP6(7), AF_INET6, SOCK_DGRAM);
  for (const auto& [ends, socket] : {std::pair{kV4, lane_v4}, std::pair{kV6, lane_v6}}) {
    pst_session session = model_session(id, ends, ends);
    session.lane = 7;
    add(session);
    expect_socket(udp(ends), socket);
    // A reply of the backend, to a port that is not assigned.
    const Ends reply{ends.backend, ends.source, {}, {}};
    expect_socket(udp(reply, kBackendPort, kSourcePort), socket);
    for (const std::uint16_t beyond : {std::uint16_t{64}, std::uint16_t{65535}}) {
      session.lane = beyond;
      add(session);
      EXPECT_EQ(udp(ends).verdict, SK_DROP);
    }
  }
}

TEST_F(SkLookupTest, TreatsPathsOfEndedSessionsByTheirPort) {
  put_socket(PST_SOCKET_UDP4(7), AF_INET, SOCK_DGRAM);
  pst_session session = model_session(id, kV4, kV4);
  session.lane = 7;
  add(session);
  session.id = session_id(5, 10);
  map("pst_sessions").put(std::uint32_t{5}, session);
  EXPECT_EQ(udp(kV4).reason, "shutdown");  // the edge's lanes have no socket here
  expect_socket(udp(Ends{kV4.backend, kV4.source, {}, {}}, kBackendPort, kSourcePort), 0);
}

TEST_F(SkLookupTest, NamesASocketThatCannotTakeIt) {
  put_socket(PST_SOCKET_UDP4(0), AF_INET, SOCK_STREAM);
  put_socket(PST_SOCKET_UDP4(1), AF_INET, SOCK_STREAM);
  const LookUp failed = udp(kV4);
  EXPECT_EQ(failed.verdict, SK_DROP);
  EXPECT_EQ(failed.reason, "socket_error");
}

}  // namespace
}  // namespace penstock
