// What an emulated link does to frames, in virtual time, and what the command line of linkem takes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <numeric>
#include <vector>

#include "linkem/line.h"
#include "linkem/options.h"

namespace penstock::linkem {
namespace {

using namespace std::chrono_literals;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::size_t kFrame = 1250;  // bytes: 100 us at 100 Mbit/s
constexpr Impairments kPlain{.delay = 50ms, .queue = 10 * kFrame};

std::vector<std::byte> frame_of(std::size_t bytes, std::uint32_t number = 0) {
  std::vector<std::byte> frame(bytes, static_cast<std::byte>(number));
  if (bytes >= sizeof number) store_u32(frame.data(), number);
  return frame;
}

/// A line, and what has arrived at its far end.
class LineTest : public ::testing::Test {
 protected:
  void offer(Line& line, Duration at, int frames = 1, std::size_t bytes = kFrame) {
    for (int i = 0; i < frames; ++i) line.offer(frame_of(bytes), kBegin + at);
  }

  /// When each frame that is under way arrives, since the beginning.
  static std::vector<Duration> arrivals(Line& line) {
    std::vector<Duration> times;
    for (; line.next() != kNever; line.take(1)) times.push_back(line.next() - kBegin);
    return times;
  }

  static constexpr Time kBegin{1h};
};

TEST_F(LineTest, AFrameTakesItsTimeAndTheDelay) {
  Line line{kPlain};
  EXPECT_EQ(line.next(), kNever);
  offer(line, 0us);
  std::vector<Bytes> out(4);
  EXPECT_EQ(line.arrived(kBegin + 50ms + 99us, out), 0u);
  ASSERT_EQ(line.arrived(kBegin + 50ms + 100us, out), 1u);
  EXPECT_EQ(out[0].size(), kFrame);
  EXPECT_EQ(line.arrived(kBegin + 1s, out), 1u) << "it is here until it is taken";
  line.take(1);
  EXPECT_EQ(line.arrived(kBegin + 1s, out), 0u);
  EXPECT_EQ(line.counts().passed, 1u);
  EXPECT_EQ(line.counts().bytes, kFrame);
}

TEST_F(LineTest, FramesFollowEachOtherAtTheRate) {
  Line line{kPlain};
  offer(line, 0us, 3);
  offer(line, 250us);
  offer(line, 10ms);  // the line was idle meanwhile, and saved nothing up
  offer(line, 10ms);
  EXPECT_THAT(arrivals(line), ElementsAre(50'100us, 50'200us, 50'300us, 50'400us, 60'100us, 60'200us));
}

TEST_F(LineTest, CarriesNoMoreThanTheRateWhateverIsOffered) {
  Line line{kPlain};
  for (int i = 0; i < 20'000; ++i) {  // twice the rate, for a second
    offer(line, i * 50us);
    std::vector<Bytes> out(8);
    line.take(line.arrived(kBegin + i * 50us, out));
  }
  while (line.next() <= kBegin + 1s) line.take(1);
  const double seconds = 0.95;  // the first one was 50 ms under way
  EXPECT_NEAR(static_cast<double>(line.counts().bytes) * 8 / seconds, 100e6, 0.1e6);
  EXPECT_NEAR(static_cast<double>(line.counts().dropped), 10'000, 20);
}

TEST_F(LineTest, AQueueTakesItsBytesAndNoMore) {
  Line line{kPlain};
  offer(line, 0us, 12);
  EXPECT_EQ(line.counts().dropped, 2u);
  offer(line, 99us);
  EXPECT_EQ(line.counts().dropped, 3u) << "the first one has not left whole";
  offer(line, 100us);
  EXPECT_EQ(line.counts().dropped, 3u);
  offer(line, 250us, 1, kFrame + 700);
  EXPECT_EQ(line.counts().dropped, 4u);
  offer(line, 250us, 1, 600);
  EXPECT_EQ(line.counts().dropped, 4u);
  EXPECT_EQ(arrivals(line).size(), 12u);
}

TEST_F(LineTest, ALostFrameUsesItsShareOfTheRate) {
  Line line{{.delay = 50ms, .loss = 1, .queue = 10 * kFrame}};
  offer(line, 0us, 12);
  EXPECT_EQ(line.counts().lost, 10u);
  EXPECT_EQ(line.counts().dropped, 2u);
  EXPECT_EQ(line.next(), kNever);
}

/// Which of many frames are lost, far below the rate.
std::vector<bool> losses_of(double share, std::uint64_t seed, int frames) {
  Line line{{.loss = share, .seed = seed}};
  std::vector<bool> lost;
  const auto frame = frame_of(kFrame);
  Time now{1h};
  for (int i = 0; i < frames; ++i, now += 1ms) {
    const std::uint64_t before = line.counts().lost;
    line.offer(frame, now);
    lost.push_back(line.counts().lost > before);
    if (line.next() != kNever) line.take(1);
  }
  return lost;
}

TEST_F(LineTest, LosesTheShareThatIsAskedForAndTheSameAgain) {
  constexpr int kFrames = 200'000;
  const std::vector<bool> lost = losses_of(0.01, 7, kFrames);
  const auto count = std::accumulate(lost.begin(), lost.end(), 0);
  EXPECT_NEAR(count, 2000, 180) << "four standard deviations";
  EXPECT_EQ(lost, losses_of(0.01, 7, kFrames));
  EXPECT_NE(lost, losses_of(0.01, 8, kFrames));
  int pairs = 0;  // losses are independent: one in a hundred follows another
  for (int i = 1; i < kFrames; ++i) pairs += lost[i] && lost[i - 1] ? 1 : 0;
  EXPECT_NEAR(pairs, 20, 18);
  EXPECT_THAT(losses_of(0, 7, 1000), Each(false));
}

/// Sizes in no order, loads above and below the rate, and frames that are taken late: what comes out is what
/// went in, and in that order.
TEST_F(LineTest, KeepsBytesAndOrderThroughItsStore) {
  Line line{{.delay = 3ms, .loss = 0.1, .queue = 20'000}};
  std::mt19937 random{1};
  std::deque<std::vector<std::byte>> under_way;
  Time now{1h};
  for (std::uint32_t number = 0; number < 100'000; ++number) {
    now += std::chrono::microseconds{random() % (number % 10'000 < 5'000 ? 60 : 120)};
    const auto frame = frame_of(14 + random() % (random() % 2 == 0 ? 50 : kLongestFrame - 13), number);
    const LineCounts before = line.counts();
    line.offer(frame, now);
    if (line.counts().lost == before.lost && line.counts().dropped == before.dropped)
      under_way.push_back(frame);
    if (random() % 8 != 0) continue;
    std::vector<Bytes> out(1 + random() % 40);
    const std::size_t frames = line.arrived(now, out);
    for (std::size_t i = 0; i < frames; ++i, under_way.pop_front())
      ASSERT_TRUE(std::ranges::equal(out[i], under_way.front())) << "frame " << number;
    line.take(frames);
  }
  EXPECT_GT(line.counts().passed, 50'000u);
  EXPECT_GT(line.counts().dropped, 1'000u);
  EXPECT_GT(line.counts().lost, 1'000u);
}

TEST_F(LineTest, DropsWhatIsNeverTaken) {
  Line line{{.queue = kLongestFrame}};
  Time now{1h};
  for (int i = 0; i < 100'000; ++i, now += 1ms) line.offer(frame_of(kFrame), now);
  EXPECT_EQ(line.counts().dropped + arrivals(line).size(), 100'000u);
  EXPECT_LT(line.counts().passed, 200u) << "its memory is bounded";
}

Result<Options> parse(std::vector<const char*> more) {
  more.insert(more.end(), {"--left=hub", "--right", "edge"});
  return parse_options(more);
}

TEST(LinkemOptionsTest, ReadsAll) {
  const auto options =
      parse({"--rate=20", "--delay-ms=50", "--loss", "0.5", "--queue=100000", "--seed=9", "--seconds=3"});
  ASSERT_TRUE(options) << options.error().what;
  EXPECT_EQ(options->left, "hub");
  EXPECT_EQ(options->right, "edge");
  EXPECT_EQ(options->impairments,
            (Impairments{.rate = 20'000'000, .delay = 50ms, .loss = 0.005, .queue = 100'000, .seed = 9}));
  EXPECT_EQ(options->seconds, 3u);
}

TEST(LinkemOptionsTest, RefusesWhatMakesNoSense) {
  const std::vector<std::pair<const char*, const char*>> table{
      {"--rate=0", "1 to 10000"},
      {"--loss=101", "0 to 100"},
      {"--loss=nan", "0 to 100"},
      {"--loss=-1", "0 to 100"},
      {"--queue=1500", "2048"},
      {"--delay-ms=1x", "0 to 10000"},
      {"--jitter=1", "there is no option"},
      {"--queue=1000000000", "1 GiB"},
  };
  for (const auto& [argument, said] : table) {
    const auto options = parse({argument});
    ASSERT_FALSE(options) << argument;
    EXPECT_THAT(options.error().what, HasSubstr(said)) << argument;
  }
  const std::vector<const char*> same{"--left=edge", "--right=edge"};
  EXPECT_FALSE(parse_options(same));
}

}  // namespace
}  // namespace penstock::linkem
