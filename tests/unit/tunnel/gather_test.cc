#include "tunnel/gather.h"

#include <gtest/gtest.h>

#include <array>

#include "fake_loop.h"

namespace penstock {
namespace {

/// Three workers that know two numbers each.
class GatherTest : public testing::Test {
 protected:
  struct Home {
    Loop& loop;
  };
  struct Role {
    std::vector<std::unique_ptr<int>>& workers() { return numbers; }
    Home worker(std::size_t i) { return {loops[i]}; }
    std::vector<std::unique_ptr<int>> numbers;
    std::array<FakeLoop, 3>& loops;
  };

  void gather_numbers() {
    gather<int>(
        control_, role_,
        [](int& worker) {
          return std::vector<int>{worker, worker + 1};
        },
        [this](const std::vector<int>& all) { told_.push_back(all); });
  }

  FakeLoop control_;
  std::array<FakeLoop, 3> loops_;
  Role role_{.numbers = {}, .loops = loops_};
  std::vector<std::vector<int>> told_;

  void SetUp() override {
    for (const int number : {10, 20, 30}) role_.numbers.push_back(std::make_unique<int>(number));
  }
};

TEST_F(GatherTest, TellsOnceAllHaveAnswered) {
  gather_numbers();
  loops_[0].settle();
  loops_[1].settle();
  control_.settle();
  EXPECT_TRUE(told_.empty());

  loops_[2].settle();
  control_.settle();

  EXPECT_EQ(told_, (std::vector<std::vector<int>>{{10, 11, 20, 21, 30, 31}}));
}

TEST_F(GatherTest, KeepsTheOrderOfTheWorkersWhoeverAnswersFirst) {
  gather_numbers();
  for (const int late : {2, 0, 1}) {
    loops_[late].settle();
    control_.settle();
  }

  EXPECT_EQ(told_, (std::vector<std::vector<int>>{{10, 11, 20, 21, 30, 31}}));
}

}  // namespace
}  // namespace penstock
