// What the doctor sees of a real host, as far as that can be known; and what it reads of a rule set.
#include "doctor/examination.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <unistd.h>

#include "doctor/firewall.h"
#include "doctor/kernel_setting.h"

namespace penstock::doctor {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

Config config() {
  Config out;
  out.node.name = "test";
  out.steering.pins = "/proc/none/bpf";
  out.steering.device = "pstdoctor";
  return out;
}

TEST(Examination, LooksAtThisHost) {
  const HostFacts facts = examine({.config = config()});

  EXPECT_THAT(facts.kernel, StartsWith("Linux "));
  EXPECT_EQ(facts.root, ::geteuid() == 0);
  ASSERT_TRUE(facts.local_ports);
  EXPECT_LT(facts.local_ports->first, facts.local_ports->last);
  EXPECT_GT(facts.receive_buffer.value_or(0), 0);
  for (const InterfaceFacts& one : facts.interfaces) EXPECT_EQ(one.native.outcome, Trial::Outcome::kUntried);
}

TEST(Examination, NamesInterfacesThatAreMissing) {
  Config wanted = config();
  wanted.steering.interfaces = {"pstnone"};
  const auto interfaces = look_at_interfaces({.config = wanted});

  ASSERT_EQ(interfaces.size(), 1U);
  EXPECT_EQ(interfaces[0].name, "pstnone");
  EXPECT_FALSE(interfaces[0].present);
}

TEST(Examination, TriesInANamespaceThatIsGoneThen) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to make a network namespace";
  HostFacts facts;
  try_in_namespace(config(), facts);

  if (facts.device.outcome == Trial::Outcome::kUntried) GTEST_SKIP() << facts.device.why;
  for (const Trial* const trial :
       {&facts.native, &facts.generic, &facts.sk_lookup, &facts.joins_received, &facts.tap})
    EXPECT_EQ(trial->outcome == Trial::Outcome::kUntried, facts.device.fails()) << trial->why;
  EXPECT_TRUE(facts.device.works()) << facts.device.why;
  EXPECT_TRUE(facts.generic.works()) << facts.generic.why;
  EXPECT_EQ(::if_nametoindex("pstdoctor0"), 0U);
}

TEST(Firewall, NamesChainsThatSpeakOfUdpOnce) {
  EXPECT_THAT(udp_rules_of(R"({"nftables":[{"metainfo":{"version":"1.0.6"}},
    {"rule":{"family":"inet","table":"filter","chain":"input","expr":[{"match":{"left":{"payload":{"protocol":"udp",
      "field":"dport"}},"right":53,"op":"=="}},{"accept":null}]}},
    {"rule":{"family":"inet","table":"filter","chain":"input","expr":[{"match":{"left":{"meta":{"key":"l4proto"}},
      "right":"udp"}}]}},
    {"rule":{"family":"ip","table":"nat","chain":"post","expr":[{"match":{"right":"tcp"}}]}},
    {"rule":7},{"chain":{"name":"udp"}}]})"),
              ElementsAre("inet filter input"));
}

TEST(Firewall, ReadsNothingInWhatIsNoRuleSet) {
  for (const char* const text :
       {"", "x", "[]", "{}", R"({"nftables":1})", R"({"nftables":[1,{"rule":{"x":"udp"}]})"})
    EXPECT_THAT(udp_rules_of(text), IsEmpty()) << text;
  EXPECT_THAT(udp_rules_of(R"({"nftables":[{"rule":{"x":"udp"}}]})"), ElementsAre("? ? ?"));
}

TEST(KernelSetting, IsNothingWhereThereIsNone) {
  EXPECT_TRUE(kernel_number("kernel/pid_max"));
  EXPECT_FALSE(kernel_text("kernel/no_such_setting"));
  EXPECT_FALSE(kernel_number("kernel/ostype"));
}

}  // namespace
}  // namespace penstock::doctor
