#include "node/access_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <thread>

#include "unit/config/temporary_directory.h"

namespace penstock {
namespace {

using testing::HasSubstr;

constexpr std::size_t kMostWaiting = 4U << 20;

/// Counts what is posted and never runs it: the tests flush when they choose to.
class FakeLoop final : public Loop {
 public:
  Time now() const override { return {}; }
  void post(Task) override { ++posts; }
  std::unique_ptr<Timer> make_timer(std::function<void()>) override { return nullptr; }

  std::atomic<int> posts{0};
};

class AccessLogTest : public testing::Test {
 protected:
  void SetUp() override { open(); }

  void open() {
    const auto opened = log_.open();
    ASSERT_TRUE(opened) << opened.error().what;
  }
  std::string content(const std::string& path) const { return read_file(path, 16U << 20).value(); }

  TemporaryDirectory directory_;
  const std::string path_ = directory_.path() + "/access.log";
  FakeLoop loop_;
  AccessLog log_{loop_, path_};
};

TEST_F(AccessLogTest, WritesLinesInOrderOnceTheLoopComesToIt) {
  log_.write("one\n");
  log_.write("two\n");
  EXPECT_EQ(content(path_), "");

  log_.flush();

  EXPECT_EQ(content(path_), "one\ntwo\n");
  EXPECT_EQ(log_.lost(), 0U);
}

TEST_F(AccessLogTest, AsksTheLoopOnceForAllThatWaits) {
  log_.write("one\n");
  log_.write("two\n");
  EXPECT_EQ(loop_.posts, 1);

  log_.flush();
  log_.write("three\n");

  EXPECT_EQ(loop_.posts, 2);
  log_.flush();
  EXPECT_EQ(content(path_), "one\ntwo\nthree\n");
}

TEST_F(AccessLogTest, AppendsToWhatIsThere) {
  directory_.write("access.log", "before\n");
  open();

  log_.write("after\n");
  log_.flush();

  EXPECT_EQ(content(path_), "before\nafter\n");
}

TEST_F(AccessLogTest, GoesOnInANewFileAfterARotation) {
  log_.write("one\n");
  log_.flush();
  const std::string rotated = path_ + ".1";
  std::filesystem::rename(path_, rotated);
  log_.write("two\n");
  log_.flush();

  open();
  log_.write("three\n");
  log_.flush();

  EXPECT_EQ(content(rotated), "one\ntwo\n");
  EXPECT_EQ(content(path_), "three\n");
}

TEST_F(AccessLogTest, IsNotForOthersToRead) {
  struct stat info {};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);

  EXPECT_EQ(info.st_mode & 0007, 0U);
}

TEST_F(AccessLogTest, CountsWhatIsBeyondItsBoundAsLost) {
  const std::string half(kMostWaiting / 2, 'x');
  log_.write(half);
  log_.write(half);  // full to the byte
  EXPECT_EQ(log_.lost(), 0U);

  log_.write("lost\n");
  log_.write("lost too\n");

  EXPECT_EQ(log_.lost(), 2U);
  log_.flush();
  log_.write("kept\n");
  log_.flush();
  EXPECT_EQ(log_.lost(), 2U);
  EXPECT_EQ(content(path_), half + half + "kept\n");
}

TEST_F(AccessLogTest, TakesLinesOfManyThreadsWhole) {
  constexpr int kLines = 1000;
  std::vector<std::thread> writers;
  for (const char* const line : {"aaaa\n", "bbbb\n", "cccc\n"}) {
    writers.emplace_back([this, line] {
      for (int i = 0; i < kLines; ++i) log_.write(line);
    });
  }
  for (std::thread& writer : writers) writer.join();
  log_.flush();

  std::map<std::string, int> seen;
  std::istringstream lines{content(path_)};
  for (std::string line; std::getline(lines, line);) ++seen[line];
  EXPECT_EQ(seen, (std::map<std::string, int>{{"aaaa", kLines}, {"bbbb", kLines}, {"cccc", kLines}}));
}

TEST_F(AccessLogTest, CountsALineThatTheDiskRefusedAsLost) {
  AccessLog full{loop_, "/dev/full"};
  ASSERT_TRUE(full.open());

  full.write("line\n");
  full.flush();

  EXPECT_EQ(full.lost(), 1U);
}

TEST_F(AccessLogTest, NamesTheFileThatCannotBeOpenedAndKeepsTheOldOne) {
  std::filesystem::rename(path_, directory_.path() + "/rotated");
  std::filesystem::create_directory(path_);

  const auto opened = log_.open();

  ASSERT_TRUE(opened.has_error());
  EXPECT_THAT(opened.error().what, HasSubstr(path_));
  log_.write("line\n");
  log_.flush();
  EXPECT_EQ(content(directory_.path() + "/rotated"), "line\n");
}

}  // namespace
}  // namespace penstock
