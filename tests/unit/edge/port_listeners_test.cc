#include "edge/port_listeners.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace penstock {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

const IpAddress kAny4 = IpAddress::v4(0);
const IpAddress kAny6;
const IpAddress kHere = IpAddress::v4(0xc0000201);  // 192.0.2.1

/// Knows listening only: keeps what is open, writes down every call, and fails where it is told to.
class FakeNetwork final : public Network {
 public:
  std::unique_ptr<Link> attach(std::unique_ptr<Connection>, const LinkOptions&) override { return nullptr; }
  std::unique_ptr<Link> secure(std::unique_ptr<Connection>, const LinkOptions&, TlsContext&,
                               const std::string&) override {
    return nullptr;
  }
  std::unique_ptr<Pending> dial(const Endpoint&, Dialled) override { return nullptr; }
  std::unique_ptr<Pending> resolve(const std::string&, Resolved) override { return nullptr; }

  Result<std::unique_ptr<Pending>> listen(const Endpoint& on, ListenerObserver&) override {
    const auto failure = failures.find(on);
    if (failure != failures.end()) return system_error("cannot listen on " + on.to_string(), failure->second);
    if (on.address == kAny6 && !has_ipv6) return system_error("cannot open a socket", EAFNOSUPPORT);
    calls.push_back("open " + on.to_string());
    EXPECT_TRUE(open.insert(on).second) << on.to_string() << " is open already";
    return std::unique_ptr<Pending>{std::make_unique<Listener>(*this, on)};
  }

  Result<std::vector<std::unique_ptr<BoundUdp>>> bind_udp(const Endpoint& on, unsigned) override {
    return system_error("cannot bind UDP " + on.to_string(), EADDRINUSE);
  }
  std::unique_ptr<UdpSocket> attach(std::unique_ptr<BoundUdp>, UdpObserver&) override { return nullptr; }

  /// What was opened and closed since the last look.
  std::vector<std::string> looked() { return std::exchange(calls, {}); }

  std::set<Endpoint> open;
  std::vector<std::string> calls;
  std::map<Endpoint, int> failures;  // errno by endpoint
  bool has_ipv6 = true;

 private:
  class Listener final : public Pending {
   public:
    Listener(FakeNetwork& network, const Endpoint& on) : network_{network}, on_{on} {}
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    ~Listener() override {
      network_.open.erase(on_);
      network_.calls.push_back("close " + on_.to_string());
    }

   private:
    FakeNetwork& network_;
    const Endpoint on_;
  };
};

class NoObserver final : public ListenerObserver {
  void on_connection(std::unique_ptr<Connection>) override {}
  void on_accept_failed(const boost::system::error_code&) override {}
};

PortSet ports(const std::vector<PortRange>& ranges) {
  PortSet set;
  for (const PortRange& range : ranges) set.add(range);
  return set;
}

EdgeConfig policy(std::vector<IpAddress> bind, const PortSet& deny = {}) {
  EdgeConfig config;
  config.bind = std::move(bind);
  config.ports_allow = ports({{1, 65535}});
  config.ports_deny = deny;
  return config;
}

class PortListenersTest : public testing::Test {
 protected:
  /// Follows the assignment; gives what was opened and closed.
  std::vector<std::string> assign(const std::vector<PortRange>& wanted) {
    listeners_.assign(ports(wanted));
    return network_.looked();
  }
  std::vector<std::string> set_policy(const EdgeConfig& config) {
    listeners_.set_policy(config);
    return network_.looked();
  }
  /// The only failure there must be.
  PortFailure failure() const {
    const auto failures = listeners_.failures();
    EXPECT_EQ(failures.size(), 1U);
    return failures.empty() ? PortFailure{} : failures.front();
  }

  FakeNetwork network_;
  NoObserver observer_;
  PortListeners listeners_{[this](const Endpoint& on) { return network_.listen(on, observer_); }};
};

TEST_F(PortListenersTest, OpensEveryPortOnEveryAddress) {
  set_policy(policy({kAny4, kAny6}));

  EXPECT_THAT(assign({{80, 81}}),
              ElementsAre("open 0.0.0.0:80", "open [::]:80", "open 0.0.0.0:81", "open [::]:81"));

  EXPECT_EQ(listeners_.open(), ports({{80, 81}}));
  EXPECT_FALSE(listeners_.has_failures());
}

TEST_F(PortListenersTest, TouchesOnlyTheDifference) {
  set_policy(policy({kHere}));
  assign({{80, 82}, {90, 90}});

  EXPECT_THAT(assign({{81, 83}, {90, 90}}), ElementsAre("close 192.0.2.1:80", "open 192.0.2.1:83"));
  EXPECT_THAT(assign({{81, 83}, {90, 90}}), IsEmpty());
  EXPECT_THAT(assign({{81, 81}, {90, 90}}), ElementsAre("close 192.0.2.1:82", "close 192.0.2.1:83"));

  EXPECT_EQ(listeners_.open(), ports({{81, 81}, {90, 90}}));
  EXPECT_EQ(listeners_.wanted(), listeners_.open());
}

TEST_F(PortListenersTest, FollowsTheLastPort) {
  set_policy(policy({kHere}));

  EXPECT_THAT(assign({{65535, 65535}}), ElementsAre("open 192.0.2.1:65535"));
  EXPECT_THAT(assign({}), ElementsAre("close 192.0.2.1:65535"));
}

TEST_F(PortListenersTest, RefusesWhatThePolicyForbids) {
  EdgeConfig config = policy({kHere}, ports({{22, 22}, {65535, 65535}}));
  config.ports_allow = ports({{20, 100}, {65535, 65535}});
  set_policy(config);

  EXPECT_THAT(assign({{21, 23}, {65535, 65535}}), ElementsAre("open 192.0.2.1:21", "open 192.0.2.1:23"));

  const auto failures = listeners_.failures();
  ASSERT_EQ(failures.size(), 2U);
  EXPECT_EQ(failures[0].ports, (PortRange{22, 22}));
  EXPECT_EQ(failures[0].reason, PST_R_PORT_DENIED);
  EXPECT_THAT(failures[0].message, HasSubstr("edge.ports"));
  EXPECT_EQ(failures[1].ports, (PortRange{65535, 65535}));
  EXPECT_EQ(listeners_.wanted(), ports({{21, 23}, {65535, 65535}}));
}

TEST_F(PortListenersTest, TellsOfAPortInUseAndTriesItAgain) {
  network_.failures[{kHere, 80}] = EADDRINUSE;
  set_policy(policy({kHere}));

  EXPECT_THAT(assign({{80, 81}}), ElementsAre("open 192.0.2.1:81"));
  EXPECT_EQ(failure().ports, (PortRange{80, 80}));
  EXPECT_EQ(failure().reason, PST_R_PORT_IN_USE);
  EXPECT_THAT(failure().message, HasSubstr("192.0.2.1:80"));
  EXPECT_EQ(listeners_.open(), ports({{81, 81}}));

  network_.failures.clear();
  EXPECT_THAT(assign({{80, 81}}), ElementsAre("open 192.0.2.1:80"));
  EXPECT_FALSE(listeners_.has_failures());
}

TEST_F(PortListenersTest, AFailingAddressFailsThePortOnAll) {
  network_.failures[{kHere, 80}] = EADDRNOTAVAIL;
  set_policy(policy({IpAddress::v4(0x7f000001), kHere}));

  EXPECT_THAT(assign({{80, 80}}), ElementsAre("open 127.0.0.1:80", "close 127.0.0.1:80"));

  EXPECT_EQ(failure().reason, PST_R_BIND_FAILED);
  EXPECT_THAT(failure().message, HasSubstr("192.0.2.1:80"));
  EXPECT_TRUE(listeners_.open().empty());
}

TEST_F(PortListenersTest, ServesIpv4OnAHostWithoutIpv6) {
  network_.has_ipv6 = false;
  set_policy(policy({kAny6, kAny4}));

  EXPECT_THAT(assign({{80, 80}}), ElementsAre("open 0.0.0.0:80"));
  EXPECT_FALSE(listeners_.has_failures());
  EXPECT_EQ(listeners_.open(), ports({{80, 80}}));
}

TEST_F(PortListenersTest, FailsWhereNoAddressIsThere) {
  network_.has_ipv6 = false;
  set_policy(policy({kAny6}));

  EXPECT_THAT(assign({{80, 80}}), IsEmpty());

  EXPECT_EQ(failure().reason, PST_R_BIND_FAILED);
  EXPECT_THAT(failure().message, HasSubstr("edge.bind"));
}

TEST_F(PortListenersTest, ANamedAddressOfAMissingFamilyFails) {
  const IpAddress six = IpAddress::parse("2001:db8::1").value();
  network_.failures[{six, 80}] = EAFNOSUPPORT;
  set_policy(policy({kAny4, six}));

  assign({{80, 80}});

  EXPECT_EQ(failure().reason, PST_R_BIND_FAILED);
  EXPECT_THAT(network_.open, IsEmpty());
}

TEST_F(PortListenersTest, JoinsNeighboursThatFailedForTheSameReason) {
  for (const int port : {80, 81, 84})
    network_.failures[{kHere, static_cast<std::uint16_t>(port)}] = EADDRINUSE;
  network_.failures[{kHere, 82}] = EACCES;
  set_policy(policy({kHere}, ports({{65534, 65535}})));

  assign({{80, 84}, {65534, 65535}});

  const auto failed = [](PortRange range, Reason reason) {
    return AllOf(Field(&PortFailure::ports, range), Field(&PortFailure::reason, reason));
  };
  EXPECT_THAT(listeners_.failures(),
              ElementsAre(failed({80, 81}, PST_R_PORT_IN_USE), failed({82, 82}, PST_R_BIND_FAILED),
                          failed({84, 84}, PST_R_PORT_IN_USE), failed({65534, 65535}, PST_R_PORT_DENIED)));
}

TEST_F(PortListenersTest, AFailureGoesWithItsPort) {
  network_.failures[{kHere, 80}] = EADDRINUSE;
  set_policy(policy({kHere}));
  assign({{80, 81}});
  ASSERT_TRUE(listeners_.has_failures());

  assign({{81, 81}});

  EXPECT_FALSE(listeners_.has_failures());
  EXPECT_THAT(listeners_.failures(), IsEmpty());
}

TEST_F(PortListenersTest, APolicyChangeClosesAndOpensOnlyWhatItConcerns) {
  set_policy(policy({kHere}, ports({{80, 80}})));
  EXPECT_THAT(assign({{80, 82}}), ElementsAre("open 192.0.2.1:81", "open 192.0.2.1:82"));

  EXPECT_THAT(set_policy(policy({kHere}, ports({{82, 82}}))),
              ElementsAre("close 192.0.2.1:82", "open 192.0.2.1:80"));

  EXPECT_EQ(listeners_.open(), ports({{80, 81}}));
  EXPECT_EQ(failure().ports, (PortRange{82, 82}));
  EXPECT_EQ(failure().reason, PST_R_PORT_DENIED);
}

TEST_F(PortListenersTest, OtherAddressesOpenEveryPortAnew) {
  set_policy(policy({kAny4}));
  assign({{80, 80}});

  EXPECT_THAT(set_policy(policy({kHere})), ElementsAre("close 0.0.0.0:80", "open 192.0.2.1:80"));
  EXPECT_EQ(listeners_.open(), ports({{80, 80}}));
}

TEST_F(PortListenersTest, ClosesForGood) {
  set_policy(policy({kHere}));
  assign({{80, 81}});

  listeners_.close_for_good();

  EXPECT_THAT(network_.open, IsEmpty());
  EXPECT_TRUE(listeners_.open().empty());
  network_.looked();
  EXPECT_THAT(assign({{80, 82}}), IsEmpty());
  EXPECT_THAT(set_policy(policy({kAny4})), IsEmpty());
  EXPECT_EQ(listeners_.permitted(), ports({{80, 82}}));
}

}  // namespace
}  // namespace penstock
