#include "penstockctl/help.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "base/file_descriptor.h"
#include "ctl_fake.h"

namespace penstock::ctl {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Help, OverviewNamesEveryCommandAndOption) {
  test::FakeWorld world;
  EXPECT_EQ(world.run({"help"}), ExitStatus::kDone);
  EXPECT_EQ(world.out(), help_overview());
  for (const auto& command : commands()) {
    EXPECT_THAT(world.out(), HasSubstr("  " + std::string{command.name} + " ")) << command.name;
    EXPECT_THAT(world.out(), HasSubstr(std::string{command.summary} + "\n"));
  }
  for (const auto& option : global_options())
    EXPECT_THAT(world.out(), HasSubstr("--" + std::string{option.name} + " "));
}

TEST(Help, OfACommandNamesItsParametersAndOptions) {
  for (const auto& command : commands()) {
    const std::string text = help_for(command);
    EXPECT_THAT(text, HasSubstr("usage: penstockctl " + std::string{command.name}));
    EXPECT_THAT(text, HasSubstr(std::string{command.parameters}));
    for (const auto& option : command.options)
      EXPECT_THAT(text, HasSubstr("  --" + std::string{option.name} + " ")) << command.name;
  }
}

TEST(Help, OfANounShowsItsVerbsToo) {
  EXPECT_THAT(*help_text({"edges"}), HasSubstr("usage: penstockctl edges rotate ID [OPTIONS]"));
  EXPECT_THAT(*help_text({"token"}), HasSubstr("token decode"));
  EXPECT_THAT(*help_text({"edges", "add"}), Not(HasSubstr("rotate")));
}

TEST(Help, FitsATerminal) {
  std::istringstream lines{help_overview() + *help_text({"services"}) + *help_text({"sessions"}) +
                           *help_text({"ledger"})};
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(line.size(), 100u) << line;
    EXPECT_FALSE(line.ends_with(' ')) << line;
  }
}

TEST(Help, IsInTheManualPage) {
  const auto page = read_file(PENSTOCK_CTL_PAGE, 1 << 20);
  ASSERT_TRUE(page);
  EXPECT_THAT(*page, HasSubstr("```\n" + help_overview() + "```\n"));
  for (const auto& command : commands()) {
    EXPECT_THAT(*page,
                HasSubstr("### " + std::string{command.name} + "\n\n```\n" + help_for(command) + "```\n"));
  }
}

TEST(Version, NamesTheProgram) {
  test::FakeWorld world;
  EXPECT_EQ(world.run({"version"}), ExitStatus::kDone);
  EXPECT_EQ(world.out(), "penstockctl " PENSTOCK_VERSION "\n");
}

}  // namespace
}  // namespace penstock::ctl
