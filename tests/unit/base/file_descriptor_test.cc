#include "base/file_descriptor.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit/config/temporary_directory.h"

namespace penstock {
namespace {

using testing::HasSubstr;

bool is_open(int fd) {
  return ::fcntl(fd, F_GETFD) != -1;
}
int open_something() {
  return ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

TEST(FileDescriptor, ClosesOnceAtItsEnd) {
  const int fd = open_something();
  {
    FileDescriptor owner{fd};
    FileDescriptor other{std::move(owner)};
    EXPECT_EQ(other.get(), fd);
    EXPECT_TRUE(is_open(fd));
  }
  EXPECT_FALSE(is_open(fd));
}

TEST(FileDescriptor, AssignmentClosesWhatWasHeld) {
  const int first = open_something();
  const int second = open_something();
  FileDescriptor owner{first};

  owner = FileDescriptor{second};

  EXPECT_FALSE(is_open(first));
  EXPECT_EQ(owner.get(), second);
  EXPECT_EQ(owner.release(), second);
  EXPECT_FALSE(owner);
  EXPECT_TRUE(is_open(second));
  ::close(second);
}

TEST(Files, AreReadWholeUpToTheLimit) {
  const TemporaryDirectory directory;
  const std::string content(40'000, 'x');
  const std::string path = directory.write("f", content, 0644);

  EXPECT_EQ(*read_file(path, 40'000), content);
  EXPECT_EQ(read_file(path, 39'999).error().code, Errc::kLimit);
  EXPECT_THAT(read_file(directory.path() + "/none", 10).error().what, HasSubstr("/none"));
  EXPECT_THAT(read_file(directory.path(), 10).error().what, HasSubstr(directory.path()));
}

TEST(Files, SecretsMustBeTheirOwnersAlone) {
  const TemporaryDirectory directory;
  for (const mode_t mode : {0600U, 0400U, 0700U})
    EXPECT_EQ(*read_secret_file(directory.write("f", "s", mode), 10), "s");
  for (const mode_t mode : {0640U, 0604U, 0620U, 0602U, 0610U, 0601U}) {
    EXPECT_EQ(read_secret_file(directory.write("f", "s", mode), 10).error().code, Errc::kRefused) << mode;
  }
}

TEST(Files, AreWrittenWholeWithTheirMode) {
  const TemporaryDirectory directory;
  const std::string path = directory.write("f", "old and longer", 0644);

  ASSERT_TRUE(write_file(path, "new", 0600));

  EXPECT_EQ(*read_secret_file(path, 10), "new");
  struct stat info {};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600U);
  EXPECT_FALSE(std::filesystem::exists(path + ".new"));
}

TEST(Files, AWriteThatFailsLeavesTheOldFile) {
  const TemporaryDirectory directory;
  const std::string path = directory.write("f", "old");
  std::filesystem::create_directory(path + ".new");

  EXPECT_FALSE(write_file(path, "new", 0600));

  EXPECT_EQ(*read_file(path, 10), "old");
}

}  // namespace
}  // namespace penstock
