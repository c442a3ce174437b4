#include "host/interface.h"

#include <gtest/gtest.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <future>
#include <thread>

#include "unit/host/own_network.h"

namespace penstock {
namespace {

bool has_flag(const boost::json::object& link, std::string_view flag) {
  const auto& flags = link.at("flags").as_array();
  return std::any_of(flags.begin(), flags.end(), [&](const auto& one) { return one.as_string() == flag; });
}

Interface expected_of(const boost::json::object& link, const Interface& found) {
  Interface out = found;  // what `ip` does not say in this form is checked elsewhere
  out.index = link.at("ifindex").to_number<std::uint32_t>();
  out.name = link.at("ifname").as_string();
  out.mtu = link.at("mtu").to_number<std::uint32_t>();
  out.up = has_flag(link, "UP");
  out.ethernet = link.at("link_type") == "ether";
  out.loopback = has_flag(link, "LOOPBACK");
  const auto* const info = link.if_contains("linkinfo");
  const auto* const kind = info == nullptr ? nullptr : info->as_object().if_contains("info_kind");
  out.kind = kind == nullptr ? "" : kind->as_string().c_str();
  return out;
}

TEST(Interfaces, AreThoseThatIpLists) {
  const auto listed = ip_json("-details link");
  const auto found = interfaces();
  ASSERT_TRUE(found) << found.error().what;

  ASSERT_EQ(found->size(), listed.size());
  for (std::size_t i = 0; i < found->size(); ++i) {
    const auto& link = listed[i].as_object();
    EXPECT_EQ((*found)[i], expected_of(link, (*found)[i])) << link;
    if (!(*found)[i].ethernet) continue;
    EXPECT_EQ((*found)[i].mac.to_string(), link.at("address").as_string().c_str());
  }
}

TEST(Interfaces, AreFoundByNameAndByIndex) {
  const auto all = interfaces();
  ASSERT_TRUE(all);
  ASSERT_FALSE(all->empty());
  for (const Interface& one : *all) {
    EXPECT_EQ(interface_named(one.name)->index, one.index);
    EXPECT_EQ(interface_at(one.index)->name, one.name);
  }
}

TEST(Interfaces, ThatAreMissingAreNotFound) {
  using namespace std::string_view_literals;
  for (const std::string_view name :
       {""sv, "penstock-none"sv, "a-name-that-is-too-long"sv, "lo\0"sv, "l\x01\xff"sv}) {
    EXPECT_EQ(interface_named(name).error().code, Errc::kNotFound) << name;
  }
  for (const std::uint32_t index : {0U, 0x7fffffffU, 0x80000000U, 0xffffffffU}) {
    EXPECT_EQ(interface_at(index).error().code, Errc::kNotFound) << index;
  }
}

class InterfaceTest : public OwnNetworkTest {};

TEST_F(InterfaceTest, KnowsTheOtherEndOfAVethAndTheBridgeAbove) {
  make_wire();
  ip("link add br0 type bridge");
  ip("link set v1 master br0");

  const auto v0 = interface_named("v0");
  const auto v1 = interface_named("v1");
  const auto bridge = interface_named("br0");

  ASSERT_TRUE(v0 && v1 && bridge);
  EXPECT_EQ(v0->kind, "veth");
  EXPECT_EQ(v0->parent, v1->index);
  EXPECT_EQ(v1->parent, v0->index);
  EXPECT_EQ(v1->master, bridge->index);
  EXPECT_EQ(v0->master, 0U);
  EXPECT_EQ(bridge->kind, "bridge");
  EXPECT_TRUE(v0->up && v0->ethernet && !v0->loopback);
  EXPECT_FALSE(bridge->up);
}

/// Another network namespace, for as long as this lives.
class OtherNetwork {
 public:
  OtherNetwork() : thread_{[this] { live(); }} { made_.get_future().wait(); }
  OtherNetwork(const OtherNetwork&) = delete;
  OtherNetwork& operator=(const OtherNetwork&) = delete;
  ~OtherNetwork() {
    end_.set_value();
    thread_.join();
  }

  const std::string& path() const { return path_; }

 private:
  void live() {
    EXPECT_EQ(::unshare(CLONE_NEWNET), 0);
    path_ = "/proc/" + std::to_string(::getpid()) + "/task/" + std::to_string(::gettid()) + "/ns/net";
    made_.set_value();
    end_.get_future().wait();
  }

  std::string path_;
  std::promise<void> made_;
  std::promise<void> end_;
  std::thread thread_;  // last: it uses the others
};

TEST_F(InterfaceTest, HasNoParentInAnotherNamespace) {
  const OtherNetwork other;
  make_wire();
  ip("link set v1 netns " + other.path());

  const auto v0 = interface_named("v0");

  ASSERT_TRUE(v0);
  EXPECT_EQ(v0->kind, "veth");
  EXPECT_EQ(v0->parent, 0U);
  EXPECT_FALSE(interface_named("v1"));
}

/// A message as the kernel makes it for a VLAN device.
class LinkMessage {
 public:
  LinkMessage() {
    message_ = mnl_nlmsg_put_header(buffer_.data());
    message_->nlmsg_type = RTM_NEWLINK;
    const ifinfomsg header{.ifi_type = ARPHRD_ETHER, .ifi_index = 9, .ifi_flags = IFF_UP | IFF_BROADCAST};
    std::memcpy(mnl_nlmsg_put_extra_header(message_, sizeof header), &header, sizeof header);
    mnl_attr_put_strz(message_, IFLA_IFNAME, "eth0.42");
    mnl_attr_put_u32(message_, IFLA_MTU, 1496);
    mnl_attr_put_u32(message_, IFLA_LINK, 4);
    mnl_attr_put(message_, IFLA_ADDRESS, 6, "\x02\0\0\0\0\x42");
    nlattr* const info = mnl_attr_nest_start(message_, IFLA_LINKINFO);
    mnl_attr_put_strz(message_, IFLA_INFO_KIND, "vlan");
    nlattr* const data = mnl_attr_nest_start(message_, IFLA_INFO_DATA);
    mnl_attr_put_u16(message_, IFLA_VLAN_ID, 42);
    mnl_attr_nest_end(message_, data);
    mnl_attr_nest_end(message_, info);
    nlattr* const xdp = mnl_attr_nest_start(message_, IFLA_XDP);
    mnl_attr_put_u8(message_, IFLA_XDP_ATTACHED, XDP_ATTACHED_MULTI);
    mnl_attr_nest_end(message_, xdp);
  }

  nlmsghdr& header() { return *message_; }

 private:
  alignas(nlmsghdr) std::array<std::byte, 1024> buffer_{};
  nlmsghdr* message_ = nullptr;
};

TEST(LinkMessages, TellOfVlanDevices) {
  LinkMessage message;

  const auto read = read_interface(message.header());

  ASSERT_TRUE(read);
  EXPECT_EQ(*read, (Interface{.index = 9,
                              .name = "eth0.42",
                              .mac = {{2, 0, 0, 0, 0, 0x42}},
                              .mtu = 1496,
                              .up = true,
                              .ethernet = true,
                              .parent = 4,
                              .vlan = 42,
                              .kind = "vlan",
                              .xdp_mode = Interface::XdpMode::kSeveral}));
}

TEST(LinkMessages, ThatEndEarlySayWhatTheyHave) {
  LinkMessage message;
  const std::uint32_t whole = message.header().nlmsg_len;
  for (std::uint32_t length = NLMSG_HDRLEN; length < whole; ++length) {
    message.header().nlmsg_len = length;
    const auto read = read_interface(message.header());
    ASSERT_EQ(read.has_value(), length >= NLMSG_HDRLEN + sizeof(ifinfomsg)) << length;
    if (!read) continue;
    EXPECT_TRUE(read->name.empty() || read->name == "eth0.42") << length;
  }
}

TEST(LinkMessages, OfOtherKindsAreNone) {
  LinkMessage message;
  message.header().nlmsg_type = RTM_DELLINK;
  EXPECT_FALSE(read_interface(message.header()));
}

TEST(OuterInterfaceTest, IsEthernetThatLeadsOutAndNothingOfOurs) {
  const Interface good{.index = 2, .name = "eth0", .up = true, .ethernet = true};
  EXPECT_TRUE(is_outer(good, "penstock"));
  for (const char* const name : {"penstock0", "penstock1", "penstock2", "penstock17"}) {
    Interface ours = good;
    ours.name = name;
    EXPECT_FALSE(is_outer(ours, "penstock")) << name;
    EXPECT_TRUE(is_outer(ours, "other")) << name;
  }
  for (const char* const name : {"penstock", "penstock0a"}) {
    Interface another = good;
    another.name = name;
    EXPECT_TRUE(is_outer(another, "penstock")) << name;
  }
  std::array<Interface, 6> others;
  others.fill(good);
  others[0].up = false;
  others[1].ethernet = false;
  others[2].loopback = true;
  others[3].vlan = 7;
  others[4].master = 3;
  others[5].kind = "bridge";
  for (const Interface& other : others) EXPECT_FALSE(is_outer(other, "penstock"));
}

}  // namespace
}  // namespace penstock
