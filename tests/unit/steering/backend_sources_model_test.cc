// Random use of sources, beside a record of all that ever happened.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "steering/backend_sources.h"
#include "support/sim_random.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;

constexpr Duration kQuarantine = 20s;

/// What one backend knows of one source. Forgotten by nobody.
struct Past {
  bool in_use = false;
  std::optional<Time> given_back;
  int order = 0;           // of giving back
  bool forgotten = false;  // the backend was tidied away since, so its order no longer counts
};

/// All backends' sources; says which ones take() could give, and which one it must.
class SourceModel {
 public:
  explicit SourceModel(std::uint32_t backends) : pasts_(backends) {}

  void open() {
    for (auto& sources : pasts_) sources.emplace_back();
  }
  bool could_give(std::uint32_t backend, std::uint32_t source, Time now) const {
    const Past& past = pasts_[backend].at(source);
    return !past.in_use && (!past.given_back || now - *past.given_back >= kQuarantine);
  }
  /// The first that is new to the backend, else the one that was given back first, if it has rested.
  std::optional<std::uint32_t> must_give(std::uint32_t backend, Time now) const {
    std::optional<std::uint32_t> best;
    for (std::uint32_t source = 0; source < pasts_[backend].size(); ++source) {
      if (!could_give(backend, source, now)) continue;
      if (!best || order(backend, source) < order(backend, *best)) best = source;
    }
    return best;
  }
  void take(std::uint32_t backend, std::uint32_t source) { pasts_[backend].at(source).in_use = true; }
  void give_back(std::uint32_t backend, std::uint32_t source, Time now) {
    pasts_[backend].at(source) = {.given_back = now, .order = ++given_back_};
  }
  std::vector<std::uint32_t> in_use(std::uint32_t backend) const {
    std::vector<std::uint32_t> out;
    for (std::uint32_t source = 0; source < pasts_[backend].size(); ++source) {
      if (pasts_[backend][source].in_use) out.push_back(source);
    }
    return out;
  }
  /// How many backends are remembered after tidying up.
  std::size_t tidy(Time now) {
    std::size_t left = 0;
    for (std::uint32_t backend = 0; backend < pasts_.size(); ++backend) {
      bool rested = true;
      for (std::uint32_t source = 0; source < pasts_[backend].size(); ++source) {
        rested = rested && could_give(backend, source, now);
      }
      if (!rested) ++left;
      for (Past& past : pasts_[backend]) past.forgotten = past.forgotten || rested;
    }
    return left;
  }

 private:
  int order(std::uint32_t backend, std::uint32_t source) const {
    const Past& past = pasts_[backend].at(source);
    return past.forgotten ? 0 : past.order;
  }

  std::vector<std::vector<Past>> pasts_;  // by backend, then source
  int given_back_ = 0;
};

class BackendSourcesRandomTest : public testing::TestWithParam<std::uint64_t> {
 protected:
  static constexpr std::uint32_t kBackends = 4;
  static constexpr std::uint32_t kMost = 12;

  static Endpoint backend(std::uint32_t number) {
    return {IpAddress::v4(0x0a000000 + number / 2), static_cast<std::uint16_t>(53 + number % 2)};
  }
  void take() {
    const auto of = static_cast<std::uint32_t>(random_.between(0, kBackends - 1));
    const std::optional<std::uint32_t> source = sources_.take(backend(of), now_);
    ASSERT_EQ(source, model_.must_give(of, now_));
    if (source) {
      ASSERT_TRUE(model_.could_give(of, *source, now_));
      model_.take(of, *source);
    } else if (sources_.may_open() && random_.chance(0.05)) {
      const std::uint32_t opened = sources_.open();
      model_.open();
      ASSERT_EQ(sources_.take(backend(of), now_), opened);  // open() is the remedy
      model_.take(of, opened);
    }
  }
  void give_back() {
    const auto of = static_cast<std::uint32_t>(random_.between(0, kBackends - 1));
    const std::vector<std::uint32_t> in_use = model_.in_use(of);
    if (in_use.empty()) return;
    const std::uint32_t source = in_use[random_.between(0, in_use.size() - 1)];
    sources_.give_back(backend(of), source, now_);
    model_.give_back(of, source, now_);
  }
  void tidy() {
    sources_.tidy(now_);
    ASSERT_EQ(sources_.backends(), model_.tidy(now_));
  }

  SimRandom random_{GetParam()};
  Time now_{1h};
  BackendSources sources_{kMost, kQuarantine};
  SourceModel model_{kBackends};
};

TEST_P(BackendSourcesRandomTest, DoesWhatTheRecordAllows) {
  double busy = 0.5;
  for (int step = 0; step < 40'000; ++step) {
    SCOPED_TRACE(testing::Message{} << "seed " << GetParam() << ", step " << step);
    if (step % 500 == 0) busy = random_.chance(0.3) ? 0.02 : 0.6;  // quiet times, in which all rest
    now_ += std::chrono::milliseconds{random_.between(0, 2000)};
    ASSERT_NO_FATAL_FAILURE(random_.chance(busy) ? take() : give_back());
    if (random_.chance(0.02)) {
      ASSERT_NO_FATAL_FAILURE(tidy());
    }
  }
  EXPECT_EQ(sources_.opened(), kMost);
}

INSTANTIATE_TEST_SUITE_P(Seeds, BackendSourcesRandomTest, testing::Range(std::uint64_t{1}, std::uint64_t{9}));

}  // namespace
}  // namespace penstock
