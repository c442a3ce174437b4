// The commands about this host: doctor and detach.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "base/file_descriptor.h"
#include "ctl_fake.h"
#include "temp_dir.h"

namespace penstock::ctl {
namespace {

using doctor::HostFacts;
using doctor::Trial;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// A host on which all is well, with one interface.
HostFacts good_host() {
  HostFacts facts;
  facts.kernel = "Linux 6.12.0";
  facts.root = true;
  facts.btf = true;
  facts.device = facts.native = facts.generic = facts.sk_lookup = Trial::good();
  facts.bpffs = true;
  facts.pins = HostFacts::Pins::kThere;
  facts.interfaces.push_back({.name = "eth0", .driver = "veth", .vlans = {}, .native = {}, .generic = {}});
  return facts;
}

class CtlHostTest : public testing::Test {
 protected:
  /// The path of a configuration with that in it.
  std::string file(const std::string& text) {
    EXPECT_TRUE(write_file(dir_ / "p.toml", text, 0600));
    return dir_ / "p.toml";
  }

  const penstock::test::TempDir dir_;
  test::FakeWorld world_;
};

TEST_F(CtlHostTest, DoctorSaysThatAllIsGood) {
  world_.facts = good_host();

  EXPECT_EQ(world_.run({"doctor"}), ExitStatus::kDone) << world_.err();
  EXPECT_THAT(world_.out(), HasSubstr("configuration: none, so defaults\n"));
  EXPECT_THAT(world_.out(), HasSubstr("ok       interface eth0"));
  EXPECT_THAT(world_.out(), HasSubstr("\nthe daemon will steer by kernel programs (native on eth0)\n"));
  EXPECT_THAT(world_.out(), Not(HasSubstr("to change")));
  EXPECT_THAT(world_.asked, IsEmpty());
  EXPECT_FALSE(world_.examined.at(0).try_interfaces);
}

TEST_F(CtlHostTest, DoctorsExitStatusTellsHowBadItIs) {
  world_.facts = good_host();
  world_.facts.sk_lookup = Trial::failed("EINVAL");

  EXPECT_EQ(world_.run({"doctor"}), ExitStatus::kRefused);  // 1: sockets steer
  EXPECT_THAT(world_.out(),
              HasSubstr("the daemon will steer by sockets, because sk_lookup does not work: EINVAL"));
  EXPECT_THAT(world_.out(), HasSubstr("to change:\n  sk_lookup: use Linux 5.9 or newer\n"));
  EXPECT_THAT(world_.err(), HasSubstr("with the warnings above"));
  EXPECT_EQ(world_.run({"doctor", "--config", file("[hub]\n[steering]\nmode = \"kernel\"\n")}),
            ExitStatus::kUsage);
  EXPECT_THAT(world_.err(), HasSubstr("cannot work here as it is configured"));
  EXPECT_EQ(world_.run({"doctor", "--config", file("[hub]\n[steering]\nmode = \"socket\"\n")}),
            ExitStatus::kDone);
}

TEST_F(CtlHostTest, DoctorReadsTheFileThatIsNamed) {
  world_.facts = good_host();
  const std::string named = file("[hub]\n[steering]\ninterfaces = [\"eth7\"]\n");
  EXPECT_EQ(world_.run({"doctor", "--config", named, "--try"}), ExitStatus::kDone);
  EXPECT_EQ(world_.examined.at(0).config.steering.interfaces, std::vector<std::string>{"eth7"});
  EXPECT_TRUE(world_.examined.at(0).try_interfaces);

  world_.variable("PENSTOCK_CONFIG", named);
  world_.variable("PENSTOCK_STEERING__MODE", "socket");
  EXPECT_EQ(world_.run({"doctor"}), ExitStatus::kDone);
  EXPECT_EQ(world_.examined.at(1).config.steering.mode, SteeringConfig::Mode::kSocket);
  EXPECT_THAT(world_.out(), HasSubstr("configuration: " + named));
}

TEST_F(CtlHostTest, DoctorRefusesAWrongFile) {
  EXPECT_EQ(world_.run({"doctor", "--config", file("[hub]\n[steering]\nmode = 1\n")}), ExitStatus::kUsage);
  EXPECT_THAT(world_.err(), HasSubstr("p.toml:3: steering.mode: 1 will not do"));
  EXPECT_EQ(world_.run({"doctor", "--config", "/nowhere/p.toml"}), ExitStatus::kUsage);
  world_.existing = "/etc/penstock/penstock.toml";  // which is not there in truth
  EXPECT_EQ(world_.run({"doctor"}), ExitStatus::kUsage);
  EXPECT_THAT(world_.examined, IsEmpty());
}

TEST_F(CtlHostTest, DoctorSpeaksJson) {
  world_.facts = good_host();
  world_.facts.jit = 0;

  EXPECT_EQ(world_.run({"doctor", "--json"}), ExitStatus::kRefused);
  const auto report = boost::json::parse(world_.out()).as_object();
  EXPECT_EQ(report.at("verdict"), "warning");
  EXPECT_EQ(report.at("steering"), "kernel");
  bool found = false;
  for (const auto& value : report.at("findings").as_array()) {
    const auto& one = value.as_object();
    if (one.at("name") != "bpf_jit_enable") continue;
    found = true;
    EXPECT_EQ(one.at("verdict"), "warning");
    EXPECT_EQ(one.at("remedy"), "sysctl net.core.bpf_jit_enable=1");
  }
  EXPECT_TRUE(found);
}

TEST_F(CtlHostTest, DetachTakesTheNodesProgramsAway) {
  world_.answer(error(Errc::kUnavailable, "no daemon"));

  EXPECT_EQ(world_.run({"detach", "--config",
                        file("[hub]\n[node]\nname = \"n1\"\n[admin]\nsocket = \"/run/n1.sock\"\n[steering]\n"
                             "device = \"dev\"\n")}),
            ExitStatus::kDone)
      << world_.err();
  EXPECT_EQ(world_.sockets.at(0), "/run/n1.sock");
  ASSERT_EQ(world_.detached.size(), 1U);
  EXPECT_EQ(world_.detached[0].node.name, "n1");
  EXPECT_THAT(world_.out(), HasSubstr("node n1, and the device dev0, are gone"));
}

TEST_F(CtlHostTest, DetachRefusesWhileADaemonAnswers) {
  world_.answer(200, R"({"live":true})");
  EXPECT_EQ(world_.run({"detach"}), ExitStatus::kRefused);
  EXPECT_THAT(world_.err(), HasSubstr("a daemon answers: stop it first"));
  world_.answer(500, "{}");
  EXPECT_EQ(world_.run({"detach"}), ExitStatus::kRefused);
  world_.answer(error(Errc::kProtocol, "not HTTP"));
  EXPECT_EQ(world_.run({"detach"}), ExitStatus::kRefused);
  EXPECT_THAT(world_.detached, IsEmpty());

  EXPECT_EQ(world_.run({"detach", "--force", "--json"}), ExitStatus::kDone);
  EXPECT_EQ(world_.asked.size(), 3U);
  EXPECT_EQ(world_.detached.size(), 1U);
}

TEST_F(CtlHostTest, DetachAsksTheSocketThatIsNamed) {
  world_.answer(error(Errc::kUnavailable, "no daemon"));
  world_.answer(error(Errc::kUnavailable, "no daemon"));
  EXPECT_EQ(world_.run({"detach", "--socket", "/a.sock"}), ExitStatus::kDone);
  world_.variable("PENSTOCK_SOCKET", "/b.sock");
  EXPECT_EQ(world_.run({"detach"}), ExitStatus::kDone);
  EXPECT_EQ(world_.sockets, (std::vector<std::string>{"/a.sock", "/b.sock"}));
}

TEST_F(CtlHostTest, DetachSaysWhatFailed) {
  world_.answer(error(Errc::kUnavailable, "no daemon"));
  world_.detaching = error(Errc::kRefused, "needs root");

  EXPECT_EQ(world_.run({"detach"}), ExitStatus::kRefused);
  EXPECT_EQ(world_.err(), "penstockctl: needs root\n");
}

}  // namespace
}  // namespace penstock::ctl
