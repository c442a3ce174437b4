// The table of reasons, and the page that tells of it.
#include "base/reason.h"

#include <gtest/gtest.h>

#include <set>

#include "base/file_descriptor.h"

namespace penstock {
namespace {

TEST(Reasons, HaveNumbersAndLabelsOfTheirOwn) {
  std::set<int> numbers;
  std::set<std::string_view> labels;
  for (const ReasonInfo& info : kReasons) {
    EXPECT_TRUE(numbers.insert(info.reason).second) << info.label;
    EXPECT_TRUE(labels.insert(info.label).second) << info.label;
    EXPECT_LT(info.reason, PST_R_MAX) << info.label;
  }
}

TEST(Reasons, ComeBackFromTheWire) {
  EXPECT_EQ(reason_from_wire(static_cast<std::uint16_t>(PST_R_DIAL_FAILED)), PST_R_DIAL_FAILED);
  EXPECT_EQ(reason_from_wire(65535), PST_R_UNKNOWN);
  EXPECT_EQ(label_of(PST_R_TUNNEL_LOST), "tunnel_lost");
}

TEST(Reasons, StandInThePageWordForWord) {
  const auto page = read_file(PENSTOCK_SOURCE_DIR "/docs/reasons.md", 1 << 20);
  ASSERT_TRUE(page) << page.error().what;
  std::size_t rows = 0;
  for (std::size_t at = 0; (at = page->find("\n| ", at)) != std::string::npos; ++at) ++rows;
  EXPECT_EQ(rows, kReasons.size() + 1) << "one row a reason, and the heading";
  for (const ReasonInfo& info : kReasons) {
    const std::string row = "| " + std::to_string(info.reason) + " | `" + std::string{info.label} + "` | " +
                            std::string{info.help} + " |\n";
    EXPECT_NE(page->find(row), std::string::npos) << row;
  }
}

}  // namespace
}  // namespace penstock
