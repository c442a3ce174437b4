#include "tunnel/line_reader.h"

#include <gtest/gtest.h>

#include "support/sim_random.h"

namespace penstock {
namespace {

TEST(LineReaderTest, TakesALineAndLeavesWhatFollows) {
  LineReader reader{100};
  const std::string text = "EDGE a b\n\x01\x02\n";
  Bytes bytes = as_bytes(text);
  EXPECT_EQ(reader.take(bytes).value(), "EDGE a b");
  EXPECT_EQ(as_text(bytes), "\x01\x02\n");
}

TEST(LineReaderTest, PutsALineTogetherFromAnyPieces) {
  SimRandom random{1};
  for (int i = 0; i < 200; ++i) {
    LineReader reader{1000};
    const std::string line(random.size(999), 'x');
    const std::string text = line + "\nrest";
    std::size_t at = 0;
    for (;;) {
      const std::size_t size = std::min<std::size_t>(text.size() - at, random.between(1, 50));
      Bytes bytes = as_bytes(text).subspan(at, size);
      at += size;
      const auto taken = reader.take(bytes).value();
      if (!taken) {
        ASSERT_TRUE(bytes.empty());
        continue;
      }
      EXPECT_EQ(*taken, line);
      EXPECT_EQ(text.substr(0, at - bytes.size()), line + "\n");
      break;
    }
  }
}

TEST(LineReaderTest, CountsTheLineFeedIntoTheLimit) {
  struct Case {
    std::size_t length;  // without the line feed
    bool fits;
  };
  for (const auto& [length, fits] : {Case{0, true}, Case{9, true}, Case{10, false}, Case{11, false}}) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{1000}}) {
      LineReader reader{10};
      const std::string text = std::string(length, 'x') + "\n";
      bool failed = false;
      for (std::size_t at = 0; at < text.size() && !failed; at += piece) {
        Bytes bytes = as_bytes(text).subspan(at, std::min(piece, text.size() - at));
        failed = !reader.take(bytes).has_value();
      }
      EXPECT_EQ(failed, !fits) << length << " in pieces of " << piece;
    }
  }
}

TEST(LineReaderTest, RefusesALineThatCanFitNoMoreWithoutWaitingForItsEnd) {
  LineReader reader{10};
  const std::string text(11, 'x');
  Bytes bytes = as_bytes(text);
  const auto taken = reader.take(bytes);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, Errc::kProtocol);
  EXPECT_EQ(taken.error().what, "the line is longer than 10 bytes");
}

TEST(LineReaderTest, ReadsOneLineAfterAnother) {
  LineReader reader{10};
  Bytes bytes = as_bytes("one\n\ntwo\n");
  EXPECT_EQ(reader.take(bytes).value(), "one");
  EXPECT_EQ(reader.take(bytes).value(), "");
  EXPECT_EQ(reader.take(bytes).value(), "two");
  EXPECT_TRUE(bytes.empty());
}

}  // namespace
}  // namespace penstock
