// Fragments become datagrams again, in any order; what is never whole goes in time.
#include "tunnel/fragment_assembler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace penstock {
namespace {

using namespace std::chrono_literals;

class FragmentAssemblerTest : public testing::Test {
 protected:
  /// The whole datagram, or nothing.
  std::string take(std::uint32_t session, std::uint16_t number, unsigned index, unsigned count,
                   std::string_view part) {
    const QuicFragment fragment{.number = number,
                                .index = static_cast<std::uint8_t>(index),
                                .count = static_cast<std::uint8_t>(count),
                                .part = as_bytes(part)};
    return std::string{as_text(assembler.take(session, fragment, now))};
  }

  FragmentAssembler assembler;
  Time now{1h};
};

TEST_F(FragmentAssemblerTest, PutsThemTogetherInEveryOrder) {
  const std::string parts[] = {"one ", "two ", "three ", "four"};
  unsigned order[] = {0, 1, 2, 3};
  std::uint16_t number = 0;
  do {
    for (int i = 0; i < 3; ++i) EXPECT_EQ(take(1, number, order[i], 4, parts[order[i]]), "");
    EXPECT_EQ(take(1, number, order[3], 4, parts[order[3]]), "one two three four");
    ++number;
  } while (std::next_permutation(std::begin(order), std::end(order)));
  EXPECT_EQ(assembler.bytes(), 0U);
  EXPECT_EQ(assembler.take_lost(), 0U);
}

TEST_F(FragmentAssemblerTest, KeepsTheFirstOfWhatComesTwice) {
  EXPECT_EQ(take(1, 7, 0, 2, "first "), "");
  EXPECT_EQ(take(1, 7, 0, 2, "other "), "");
  EXPECT_EQ(take(1, 7, 1, 2, "second"), "first second");
}

TEST_F(FragmentAssemblerTest, ALateCopyBeginsNothingThatIsEverWhole) {
  take(1, 7, 0, 2, "a");
  EXPECT_EQ(take(1, 7, 1, 2, "b"), "ab");
  EXPECT_EQ(take(1, 7, 1, 2, "b"), "");
  EXPECT_GT(assembler.bytes(), 0U);
  now += 1001ms;
  EXPECT_EQ(take(2, 1, 0, 2, "x"), "");
  EXPECT_EQ(assembler.take_lost(), 1U);
}

TEST_F(FragmentAssemblerTest, KeepsSessionsWithEqualNumbersApart) {
  EXPECT_EQ(take(1, 7, 0, 2, "mine "), "");
  EXPECT_EQ(take(2, 7, 1, 2, "yours"), "");
  EXPECT_EQ(take(2, 7, 0, 2, "all "), "all yours");
  EXPECT_EQ(take(1, 7, 1, 2, "mine"), "mine mine");
}

TEST_F(FragmentAssemblerTest, KeepsDatagramsOfOtherCountsApart) {
  EXPECT_EQ(take(1, 7, 0, 2, "a"), "");
  EXPECT_EQ(take(1, 7, 1, 3, "b"), "");
  EXPECT_EQ(take(1, 7, 1, 2, "c"), "ac");
}

TEST_F(FragmentAssemblerTest, GivesUpWhatIsNotWholeAfterASecond) {
  take(1, 7, 0, 2, "old ");
  now += 1s;
  take(1, 8, 0, 2, "young ");
  EXPECT_EQ(assembler.take_lost(), 0U);
  now += 1ms;
  EXPECT_EQ(take(1, 7, 1, 2, "late"), "");  // begins anew
  EXPECT_EQ(assembler.take_lost(), 1U);
  EXPECT_EQ(take(1, 8, 1, 2, "one"), "young one");
}

TEST_F(FragmentAssemblerTest, GivesUpTheOldestBeyondAMebibyte) {
  const std::string part(10'000, 'x');
  for (std::uint16_t number = 0; number < 2000; ++number) {
    take(1, number, 0, 2, part);
    ASSERT_LE(assembler.bytes(), FragmentAssembler::kMostBytes);
  }
  EXPECT_EQ(take(1, 1999, 1, 2, "!"), part + "!");  // the latest is there
  EXPECT_EQ(take(1, 0, 1, 2, "!"), "");             // the first is not
  EXPECT_GT(assembler.take_lost(), 1800U);
  EXPECT_EQ(assembler.take_lost(), 0U);
}

TEST_F(FragmentAssemblerTest, KeepsNoMoreDatagramsThanItLooksThrough) {
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    take(i, 0, 0, 2, "x");
    ASSERT_LE(assembler.bytes(), FragmentAssembler::kMostBytes);
  }
  EXPECT_EQ(assembler.take_lost(), 100'000U - FragmentAssembler::kMost);
}

}  // namespace
}  // namespace penstock
