// The commands of the guard and of the kernel programs' packets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "base/file_descriptor.h"
#include "ctl_fake.h"
#include "penstockctl/views.h"
#include "temp_dir.h"

namespace penstock::ctl {
namespace {

using test::object;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kAnswer = R"({"blocked":1,"allowed":0,"removed":0,"absent":0,"total":1})";

class CtlGuardTest : public testing::Test {
 protected:
  /// The rules of each request, in order.
  std::vector<std::vector<std::string>> sent() const {
    std::vector<std::vector<std::string>> out;
    for (const DaemonRequest& request : world_->asked) {
      EXPECT_EQ(request.method, "POST");
      EXPECT_EQ(request.target, "/v1/guard");
      out.emplace_back();
      const auto body = object(request.body);
      for (const auto& rule : body.at("rules").as_array()) out.back().emplace_back(rule.as_string().c_str());
    }
    return out;
  }

  void SetUp() override { world_.emplace(); }

  std::optional<test::FakeWorld> world_;
};

TEST_F(CtlGuardTest, EachVerbSendsItsPrefixesAndSaysWhatChanged) {
  struct Row {
    std::vector<std::string> words;
    std::vector<std::string> rules;
    const char* answer;
    const char* said;
  };
  const Row rows[] = {
      {{"guard", "block", "192.0.2.0/24", "2001:DB8::/32"},
       {"block 192.0.2.0/24", "block 2001:db8::/32"},
       R"({"blocked":2,"allowed":0,"removed":0,"absent":0,"total":7})",
       "2 blocked; the guard has 7 rules now\n"},
      {{"guard", "allow", "192.0.2.1"},
       {"allow 192.0.2.1"},
       R"({"blocked":0,"allowed":1,"removed":0,"absent":0,"total":1})",
       "1 allowed; the guard has 1 rule now\n"},
      {{"guard", "remove", "192.0.2.1/32", "192.0.2.2", "192.0.2.3"},
       {"remove 192.0.2.1", "remove 192.0.2.2", "remove 192.0.2.3"},
       R"({"blocked":0,"allowed":0,"removed":1,"absent":2,"total":0})",
       "1 removed, 2 were not there; the guard has 0 rules now\n"},
  };
  for (const Row& row : rows) {
    world_.emplace();
    world_->answer(200, row.answer);
    EXPECT_EQ(world_->run(row.words), ExitStatus::kDone) << world_->err();
    EXPECT_THAT(sent(), ElementsAre(row.rules));
    EXPECT_EQ(world_->out(), row.said);
  }
}

TEST_F(CtlGuardTest, WrongPrefixesAreRefusedBeforeTheDaemonIsAsked) {
  for (const char* const wrong : {"192.0.2.1/24", "host", "::/0", ""}) {
    world_.emplace();
    EXPECT_EQ(world_->run({"guard", "block", "192.0.2.0/24", wrong}), ExitStatus::kUsage) << wrong;
    EXPECT_THAT(world_->asked, IsEmpty());
  }
  EXPECT_EQ(world_->run({"guard", "block"}), ExitStatus::kUsage);
  EXPECT_THAT(world_->err(), HasSubstr("guard block needs PREFIX"));
  EXPECT_EQ(world_->run({"guard", "--within", "x"}), ExitStatus::kUsage);
}

TEST_F(CtlGuardTest, ANodeWithoutGuardSaysWhy) {
  world_->answer(503, R"({"error":"this node steers by sockets: no BTF"})");

  EXPECT_EQ(world_->run({"guard", "block", "192.0.2.1"}), ExitStatus::kRefused);
  EXPECT_EQ(world_->err(), "penstockctl: this node steers by sockets: no BTF\n");
}

TEST_F(CtlGuardTest, LoadReadsAFile) {
  const penstock::test::TempDir dir;
  ASSERT_TRUE(write_file(dir / "list",
                         "# a list\n\n  block 192.0.2.0/24  # why\r\nallow\t192.0.2.7\nblock 2001:db8::/32",
                         0600));
  world_->answer(200, R"({"blocked":2,"allowed":1,"removed":0,"absent":0,"total":3})");

  EXPECT_EQ(world_->run({"guard", "load", dir / "list"}), ExitStatus::kDone) << world_->err();
  EXPECT_THAT(sent(),
              ElementsAre(ElementsAre("block 192.0.2.0/24", "allow 192.0.2.7", "block 2001:db8::/32")));
  EXPECT_EQ(world_->out(), "2 blocked, 1 allowed; the guard has 3 rules now\n");
}

TEST_F(CtlGuardTest, LoadNamesTheLineThatIsWrongAndSendsNothing) {
  struct Row {
    const char* text;
    const char* told;
  };
  constexpr Row kRows[] = {
      {"block 192.0.2.1\nblok 192.0.2.2\n", "standard input:2: 'blok 192.0.2.2' is no rule"},
      {"\n\nblock\n", "standard input:3: 'block' is no rule"},
      {"remove 192.0.2.1", "standard input:1: 'remove 192.0.2.1' is no rule"},
      {"block 192.0.2.1/24", "standard input:1: \"192.0.2.1/24\" has bits behind the prefix"},
      {"block 192.0.2.1 192.0.2.2", "standard input:1: \"192.0.2.1 192.0.2.2\" is no prefix"},
      {"block \x1b[2J", "standard input:1: \"\\x1b[2J\" is no prefix"},
  };
  for (const Row& row : kRows) {
    world_.emplace();
    world_->input(row.text);
    EXPECT_EQ(world_->run({"guard", "load", "-"}), ExitStatus::kUsage) << row.text;
    EXPECT_THAT(world_->err(), HasSubstr(row.told));
    EXPECT_THAT(world_->asked, IsEmpty());
  }
  EXPECT_EQ(world_->run({"guard", "load", "/nowhere/list"}), ExitStatus::kUsage);
  EXPECT_THAT(world_->err(), HasSubstr("/nowhere/list"));
}

TEST_F(CtlGuardTest, LoadSendsALongListInParts) {
  std::string text;
  for (int i = 0; i < 25'000; ++i)
    text += "block 10." + std::to_string(i / 65536) + "." + std::to_string(i / 256 % 256) + "." +
            std::to_string(i % 256) + "\n";
  world_->input(text);
  world_->answer(200, R"({"blocked":10000,"total":10000})");
  world_->answer(200, R"({"blocked":10000,"total":20000})");
  world_->answer(200, R"({"blocked":5000,"total":25000})");

  EXPECT_EQ(world_->run({"guard", "load", "-"}), ExitStatus::kDone) << world_->err();
  const auto parts = sent();
  ASSERT_EQ(parts.size(), 3U);
  EXPECT_EQ(parts[0].size(), 10'000U);
  EXPECT_EQ(parts[1].front(), "block 10.0.39.16");
  EXPECT_EQ(parts[2].size(), 5'000U);
  EXPECT_EQ(world_->out(), "25000 blocked; the guard has 25000 rules now\n");
  for (const DaemonRequest& request : world_->asked) EXPECT_LT(request.body.size(), 1U << 20);
}

TEST_F(CtlGuardTest, LoadTellsHowFarItCame) {
  std::string text;
  for (int i = 0; i < 10'001; ++i) text += "block 2001:db8::" + std::to_string(i % 10'000) + "\n";
  world_->input(text);
  world_->answer(200, R"({"blocked":10000,"total":10000})");
  world_->answer(429, R"({"error":"the list is full"})");

  EXPECT_EQ(world_->run({"guard", "load", "-"}), ExitStatus::kRefused);
  EXPECT_THAT(world_->err(), HasSubstr("the first 10000 rules are in force, the rest not: the list is full"));
}

TEST_F(CtlGuardTest, JsonIsTheDaemonsOwn) {
  world_->answer(200, kAnswer);
  EXPECT_EQ(world_->run({"guard", "block", "192.0.2.1", "--json"}), ExitStatus::kDone);
  EXPECT_EQ(world_->out(), std::string{kAnswer} + "\n");
}

TEST_F(CtlGuardTest, AnEmptyFileChangesNothing) {
  world_->input("# nothing\n");
  world_->answer(200, R"({"blocked":0,"total":4})");
  EXPECT_EQ(world_->run({"guard", "load", "-"}), ExitStatus::kDone);
  EXPECT_EQ(world_->out(), "nothing to do; the guard has 4 rules now\n");
}

TEST(GuardView, ShowsRulesLimitsAndDrops) {
  EXPECT_EQ(view_guard(object(R"({"rules":[{"prefix":"192.0.2.0/24","action":"block"},
    {"prefix":"2001:db8::/32","action":"allow"}],"total":3,"most":1048576,
    "limits":{"source":{"per_second":0,"burst":0},"service":{"per_second":0,"burst":0},
     "new_source":{"per_second":1000,"burst":1000},"new_total":{"per_second":100000,"burst":5},
     "source_prefix_v4":32,"source_prefix_v6":64},
    "dropped":{"blocked":{"packets":12,"bytes":2048},"rate_source":{"packets":"0","bytes":0}}})")),
            "PREFIX         ACTION\n"
            "192.0.2.0/24   block\n"
            "2001:db8::/32  allow\n"
            "2 of 3 rules; --limit N shows more\n"
            "\n"
            "of one source        none (a source: IPv4 /32, IPv6 /64)\n"
            "to one service       none\n"
            "new, of one source   1000 datagrams a second, 1000 at once\n"
            "new, of all sources  100000 datagrams a second, 5 at once\n"
            "\n"
            "DROPPED AS   PACKETS    BYTES\n"
            "blocked           12  2.0 KiB\n"
            "rate_source        0      0 B\n");
  EXPECT_THAT(view_guard(object(R"({"rules":[],"total":0})")), HasSubstr("no rules: no source is blocked"));
}

TEST(GuardView, ShowsPackets) {
  EXPECT_EQ(view_packets(
                object(R"({"packets":[{"program":"edge_xdp","reason":"steered","packets":"9007199254740993",
    "bytes":2048},{"program":"sk_lookup","reason":"not_ours","packets":1,"bytes":0}]})")),
            "PROGRAM    REASON             PACKETS    BYTES\n"
            "edge_xdp   steered   9007199254740993  2.0 KiB\n"
            "sk_lookup  not_ours                 1      0 B\n");
  EXPECT_THAT(view_packets(object("{}")), HasSubstr("no packets"));
}

TEST(StatusView, TellsHowTheNodeSteers) {
  EXPECT_THAT(view_status(object(
                  R"({"steering":{"mode":"kernel","why":"","interfaces":[{"name":"eth0","mode":"native"},
    {"name":"eth1","mode":"generic"}],"complaints":["eth2: another program's XDP program is on the interface"]}})")),
              HasSubstr("steering   kernel programs on eth0 (native), eth1 (generic); not on eth2: another "
                        "program's XDP program is on the interface\n"));
  EXPECT_THAT(
      view_status(object(R"({"steering":{"mode":"socket","why":"no BTF","interfaces":[],"complaints":[]}})")),
      HasSubstr("steering   sockets: no BTF\n"));
  EXPECT_THAT(view_status(object("{}")), testing::Not(HasSubstr("steering")));
}

TEST(StatusView, TellsWhichWayFramesGo) {
  const auto view = [](const std::string& links) {
    return view_status(
        object(R"({"steering":{"mode":"kernel","why":"","interfaces":[],"complaints":[],)" + links + "}}"));
  };
  const std::string one = R"("links":[{"device":"penstock2","in":12,"out":7,"out_calls":2}],"why_no_links":)";
  EXPECT_THAT(view(one + R"("")"), HasSubstr("frames     by penstock2 (12 in, 7 out with 2 calls)\n"));
  EXPECT_THAT(
      view(one + R"("no room")"),
      HasSubstr(
          "frames     by penstock2 (12 in, 7 out with 2 calls), others by the host's stack: no room\n"));
  EXPECT_THAT(view(R"("links":[],"why_no_links":"cannot open /dev/net/tun")"),
              HasSubstr("frames     by the host's stack: cannot open /dev/net/tun\n"));
  EXPECT_THAT(view(R"("links":[])"), testing::Not(HasSubstr("frames")));
}

}  // namespace
}  // namespace penstock::ctl
