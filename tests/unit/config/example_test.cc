// docs/penstock.example.toml: complete, right, and true about the defaults.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

#include "config/sections.h"
#include "unit/config/parsing.h"

namespace penstock {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string example() {
  std::ifstream file{PENSTOCK_SOURCE_DIR "/docs/penstock.example.toml"};
  EXPECT_TRUE(file);
  return {std::istreambuf_iterator<char>{file}, {}};
}

/// A line that sets a key, in force or as "#key = value".
struct Setting {
  std::string section;
  std::string key;
  std::string line;  // without the #
  bool in_force;
};

/// The name in "[name]" or "[[name]]"; empty for any other line.
std::string section_in(const std::string& line) {
  if (!line.starts_with('[')) return {};
  const auto first = line.find_first_not_of('[');
  return line.substr(first, line.find(']') - first);
}

std::vector<Setting> settings_of(const std::string& text) {
  std::vector<Setting> settings;
  std::string section;
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);) {
    if (const std::string name = section_in(line); !name.empty()) section = name;
    const bool in_force = !line.starts_with('#');
    if (!in_force) line.erase(0, 1);
    const std::string key = line.substr(0, line.find_first_not_of("abcdefghijklmnopqrstuvwxyz_0123456789"));
    if (!key.empty() && line.substr(key.size()).starts_with(" = "))
      settings.push_back({section, key, line, in_force});
  }
  return settings;
}

TEST(Example, Parses) {
  const Config config = parsed(example());

  EXPECT_TRUE(config.hub);
  EXPECT_TRUE(config.edge);
  EXPECT_EQ(config.services.size(), 2U);
}

TEST(Example, ShowsEveryKeyThereIs) {
  std::set<std::string> shown;
  for (const Setting& setting : settings_of(example())) shown.insert(setting.section + "." + setting.key);

  std::set<std::string> known;
  for (const KeyInfo& key : known_keys()) known.insert(key.path);
  EXPECT_EQ(shown, known);
}

TEST(Example, ShowsTheDefaults) {
  const Config shown = parsed(example());
  Config wanted;
  wanted.hub = default_hub();
  wanted.edge = default_edge();
  // What has no default, or another on each machine, as the comments say.
  wanted.node.name = shown.node.name;
  wanted.hub->public_address = shown.hub->public_address;
  wanted.hub->edges = shown.hub->edges;
  wanted.edge->token_file = shown.edge->token_file;

  EXPECT_EQ(shown.node, wanted.node);
  EXPECT_EQ(shown.admin, wanted.admin);
  EXPECT_EQ(shown.limits, wanted.limits);
  EXPECT_EQ(shown.tunnel, wanted.tunnel);
  EXPECT_EQ(shown.flow, wanted.flow);
  EXPECT_EQ(shown.steering, wanted.steering);
  EXPECT_EQ(shown.guard, wanted.guard);
  EXPECT_EQ(shown.hub, wanted.hub);
  EXPECT_EQ(shown.edge, wanted.edge);
  Service service = shown.services.front();
  service.name = {};
  service.ports = {};
  service.target = {};
  EXPECT_EQ(service, Service{});
}

TEST(Example, CommentedSettingsAreRightToo) {
  int commented = 0;
  for (const Setting& setting : settings_of(example())) {
    if (setting.in_force) continue;
    ++commented;
    const auto config = parse_config("[" + setting.section + "]\n" + setting.line + "\n", "p.toml", {}, {});
    // Alone such a key does not make an edge, but nothing may be wrong with its own form.
    ASSERT_FALSE(config);
    EXPECT_THAT(config.error().what, Not(HasSubstr("p.toml:2: edge." + setting.key + ": \"")))
        << setting.line;
    EXPECT_THAT(config.error().what, Not(HasSubstr("will not do"))) << setting.line;
    EXPECT_THAT(config.error().what, Not(HasSubstr("is not a key"))) << setting.line;
  }
  EXPECT_EQ(commented, 6);
}

}  // namespace
}  // namespace penstock
