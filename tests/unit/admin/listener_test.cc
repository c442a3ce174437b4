#include "admin/listener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>

#include "raw_client.h"
#include "temp_dir.h"

namespace penstock {
namespace {

using test::RawClient;
using test::TempDir;
using testing::HasSubstr;

bool exists(const std::string& path) {
  struct stat found {};
  return lstat(path.c_str(), &found) == 0;
}

TEST(UnixListener, IsForItsOwnerWhateverTheUmask) {
  const TempDir dir;
  const mode_t before = umask(0);
  const auto listener = UnixListener::open(dir / "admin.sock");
  umask(before);

  ASSERT_TRUE(listener) << listener.error().what;
  struct stat found {};
  ASSERT_EQ(lstat((dir / "admin.sock").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777, 0600u);
  EXPECT_TRUE(RawClient(dir / "admin.sock").connected());
}

TEST(UnixListener, RemovesItsFile) {
  const TempDir dir;
  { const auto listener = UnixListener::open(dir / "a"); }
  EXPECT_FALSE(exists(dir / "a"));
}

TEST(UnixListener, LeavesAnothersFile) {
  const TempDir dir;
  std::optional<UnixListener> old = *UnixListener::open(dir / "a");
  ASSERT_EQ(unlink((dir / "a").c_str()), 0);
  const auto young = UnixListener::open(dir / "a");
  ASSERT_TRUE(young);

  old.reset();

  EXPECT_TRUE(RawClient(dir / "a").connected());
}

TEST(UnixListener, ReplacesASocketOnWhichNobodyAnswers) {
  const TempDir dir;
  {
    auto dead = *UnixListener::open(dir / "a");
    ASSERT_EQ(link((dir / "a").c_str(), (dir / "b").c_str()), 0);
  }
  ASSERT_TRUE(exists(dir / "b"));

  const auto listener = UnixListener::open(dir / "b");

  ASSERT_TRUE(listener) << listener.error().what;
  EXPECT_TRUE(RawClient(dir / "b").connected());
}

TEST(UnixListener, RefusesALivingDaemonsSocket) {
  const TempDir dir;
  const auto living = UnixListener::open(dir / "a");

  const auto second = UnixListener::open(dir / "a");

  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().what, HasSubstr("another daemon answers"));
  EXPECT_TRUE(RawClient(dir / "a").connected());
}

TEST(UnixListener, RefusesWhatIsNoSocketAndPathsThatDoNotFit) {
  const TempDir dir;
  ASSERT_TRUE(write_file(dir / "file", "precious", 0600));

  EXPECT_THAT(UnixListener::open(dir / "file").error().what, HasSubstr("is no socket"));
  EXPECT_EQ(*read_file(dir / "file", 100), "precious");
  EXPECT_THAT(UnixListener::open(dir / "none/admin.sock").error().what, HasSubstr("No such file"));
  EXPECT_THAT(UnixListener::open(dir / std::string(108, 'x')).error().what, HasSubstr("1 to 107 characters"));
  EXPECT_FALSE(UnixListener::open(""));
}

TEST(TcpListener, NamesTheEndpointThatIsTaken) {
  const auto any = Endpoint{IpAddress::v4(0x7f000001), 0};
  const auto first = open_tcp_listener(any);
  ASSERT_TRUE(first);
  sockaddr_storage bound{};
  socklen_t length = sizeof bound;
  ASSERT_EQ(getsockname(first->get(), reinterpret_cast<sockaddr*>(&bound), &length), 0);
  const auto taken = Endpoint::from_sockaddr(reinterpret_cast<const sockaddr*>(&bound));

  const auto second = open_tcp_listener(taken);

  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().what, HasSubstr(taken.to_string() + " (admin.http)"));
}

}  // namespace
}  // namespace penstock
