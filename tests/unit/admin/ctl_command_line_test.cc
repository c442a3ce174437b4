#include "penstockctl/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace penstock::ctl {
namespace {

using testing::HasSubstr;

/// Splits at spaces; "" stands for an empty word.
std::vector<std::string> words(const std::string& line) {
  std::vector<std::string> out;
  std::istringstream in{line};
  for (std::string word; in >> word;) out.push_back(word == "\"\"" ? "" : word);
  return out;
}

struct Good {
  const char* line;
  const char* command;
  std::vector<std::string> arguments;
  OptionValues options;
  bool json = false;
  std::optional<std::string> socket = std::nullopt;
};

TEST(CommandLine, UnderstandsWhatIsRight) {
  const Good rows[] = {
      {"", "status", {}, {}},
      {"status", "status", {}, {}},
      {"--json", "status", {}, {}, true},
      {"--socket /a/b", "status", {}, {}, false, "/a/b"},
      {"--socket=/a=b edges", "edges", {}, {}, false, "/a=b"},
      {"edges --socket /x --json", "edges", {}, {}, true, "/x"},
      {"edges list", "edges", {}, {}},
      {"flows list --limit 5", "flows", {}, {{"limit", "5"}}},
      {"flows --service web --client 192.0.2.1 --edge=fra1 --limit=",
       "flows",
       {},
       {{"service", "web"}, {"client", "192.0.2.1"}, {"edge", "fra1"}, {"limit", ""}}},
      {"sessions --client [2001:db8::1]:53 --state assured --edge fra1 --service dns --limit 9",
       "sessions",
       {},
       {{"client", "[2001:db8::1]:53"},
        {"state", "assured"},
        {"edge", "fra1"},
        {"service", "dns"},
        {"limit", "9"}}},
      {"ledger --json", "ledger", {}, {}, true},
      {"--limit 5 flows", "flows", {}, {{"limit", "5"}}},
      {"events --follow", "events", {}, {{"follow", ""}}},
      {"edges add fra1", "edges add", {"fra1"}, {}},
      {"edges --hub h:1 add fra1 --secret-file f",
       "edges add",
       {"fra1"},
       {{"hub", "h:1"}, {"secret-file", "f"}}},
      {"edges add -- --odd", "edges add", {"--odd"}, {}},
      {"edges add list", "edges add", {"list"}, {}},
      {"edges rotate fra1", "edges rotate", {"fra1"}, {}},
      {"edges remove fra1", "edges remove", {"fra1"}, {}},
      {"services add web --ports 80,443 --target h --client proxy-v2 --edges a,b --max-flows 1 "
       "--max-flows-per-source 2 --idle 5m",
       "services add",
       {"web"},
       {{"ports", "80,443"},
        {"target", "h"},
        {"client", "proxy-v2"},
        {"edges", "a,b"},
        {"max-flows", "1"},
        {"max-flows-per-source", "2"},
        {"idle", "5m"}}},
      {"services set web --idle -1", "services set", {"web"}, {{"idle", "-1"}}},
      {"services set dns --protocol udp --proxy-v2=first --udp-idle 5s",
       "services set",
       {"dns"},
       {{"protocol", "udp"}, {"proxy-v2", "first"}, {"udp-idle", "5s"}}},
      {"services remove web", "services remove", {"web"}, {}},
      {"ports", "ports", {}, {}},
      {"ports add web 80,81-90", "ports add", {"web", "80,81-90"}, {}},
      {"ports remove web 80", "ports remove", {"web", "80"}, {}},
      {"drain", "drain", {}, {}},
      {"drain web", "drain", {"web"}, {}},
      {"drain web --off", "drain", {"web"}, {{"off", ""}}},
      {"reload", "reload", {}, {}},
      {"log-level debug", "log-level", {"debug"}, {}},
      {"token decode --file t", "token decode", {}, {{"file", "t"}}},
      {"help", "help", {}, {}},
      {"help edges add", "help", {"edges", "add"}, {}},
      {"edges add --help", "help", {"edges", "add"}, {}},
      {"-h", "help", {}, {}},
      {"version", "version", {}, {}},
      {"log-level \"\"", "log-level", {""}, {}},
  };
  for (const auto& row : rows) {
    const auto got = parse_command_line(words(row.line));
    ASSERT_TRUE(got) << row.line << ": " << got.error().what;
    EXPECT_EQ(got->command->name, row.command) << row.line;
    EXPECT_EQ(got->arguments, row.arguments) << row.line;
    EXPECT_EQ(got->options, row.options) << row.line;
    EXPECT_EQ(got->json, row.json) << row.line;
    EXPECT_EQ(got->socket, row.socket) << row.line;
  }
}

TEST(CommandLine, NamesWhatIsWrong) {
  const std::pair<const char*, const char*> rows[] = {
      {"frobnicate", "unknown command 'frobnicate': 'penstockctl help' lists them"},
      {"edge", "unknown command 'edge'"},
      {"list", "unknown command 'list'"},
      {"token", "unknown command 'token'"},
      {"\"\"", "unknown command ''"},
      {"drain list more", "'more' is more than drain takes"},
      {"edges frobnicate", "'frobnicate' is more than edges takes: see 'penstockctl help edges'"},
      {"edges add", "edges add needs ID: see 'penstockctl help edges add'"},
      {"edges add a b", "'b' is more than edges add takes"},
      {"ports add web", "ports add needs LIST"},
      {"log-level", "log-level needs LEVEL"},
      {"--frob", "unknown option '--frob'"},
      {"-x", "unknown option '-x'"},
      {"-", "unknown command '-'"},
      {"-json", "unknown option '-json'"},
      {"--=1", "unknown option '--'"},
      {"edges --follow", "edges has no option '--follow': see 'penstockctl help edges'"},
      {"flows --state assured", "flows has no option '--state': see 'penstockctl help flows'"},
      {"ledger --service dns", "ledger has no option '--service'"},
      {"ledger dns", "'dns' is more than ledger takes"},
      {"status --hub h:1", "status has no option '--hub'"},
      {"flows --limit", "option '--limit' needs a value"},
      {"--socket", "option '--socket' needs a value"},
      {"events --follow=yes", "option '--follow' takes no value"},
      {"--json --json", "option '--json' is given twice"},
      {"flows --limit 1 --limit=1", "option '--limit' is given twice"},
  };
  for (const auto& [line, what] : rows) {
    const auto got = parse_command_line(words(line));
    ASSERT_FALSE(got) << line;
    EXPECT_EQ(got.error().code, make_error_code(Errc::kInvalid)) << line;
    EXPECT_THAT(got.error().what, HasSubstr(what)) << line;
  }
}

TEST(CommandLine, ShowsWrongWordsPrintable) {
  const std::vector<std::string> given{"\x1b[2J\n"};
  EXPECT_THAT(parse_command_line(given).error().what, HasSubstr("'\\x1b[2J\\x0a'"));
}

TEST(CommandTable, AnOptionTakesAValueInEveryCommandOrInNone) {
  std::map<std::string_view, bool> takes_value;  // the parser asks before it knows the command
  for (const auto& command : commands()) {
    for (const auto& option : command.options) {
      const bool takes = !option.value.empty();
      EXPECT_EQ(takes_value.emplace(option.name, takes).first->second, takes) << option.name;
      for (const auto& global : global_options()) EXPECT_NE(option.name, global.name);
    }
  }
}

}  // namespace
}  // namespace penstock::ctl
