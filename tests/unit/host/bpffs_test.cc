#include "host/bpffs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "unit/config/temporary_directory.h"
#include "unit/host/lowered_capabilities.h"
#include "unit/host/own_network.h"

namespace penstock {
namespace {

using testing::HasSubstr;

bool is_bpffs(const std::string& folder) {
  struct statfs info {};
  return ::statfs(folder.c_str(), &info) == 0 && static_cast<std::uint32_t>(info.f_type) == BPF_FS_MAGIC;
}

TEST(Bpffs, NeedsAnAbsolutePath) {
  for (const std::string folder : {"", "bpf", "./bpf"}) {
    EXPECT_EQ(ensure_bpffs(folder).error().code, Errc::kInvalid) << folder;
  }
}

/// Mounts are the test's own, in the fixture's mount namespace.
class BpffsTest : public OwnNetworkTest {
 protected:
  ~BpffsTest() override { ::umount2((directory_.path() + "/a/b").c_str(), MNT_DETACH); }

  TemporaryDirectory directory_;
};

TEST_F(BpffsTest, IsMountedOnAFolderThatIsMadeForIt) {
  const std::string folder = directory_.path() + "/a/b";

  const auto made = ensure_bpffs(folder);

  ASSERT_TRUE(made) << made.error().what;
  EXPECT_TRUE(is_bpffs(folder));
  EXPECT_FALSE(is_bpffs(directory_.path() + "/a"));
  struct stat info {};
  ASSERT_EQ(::stat(folder.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700U);
}

TEST_F(BpffsTest, IsMountedOnceAndHasFoldersOfItsOwn) {
  const std::string folder = directory_.path() + "/a/b";
  ASSERT_TRUE(ensure_bpffs(folder));
  ASSERT_TRUE(ensure_bpffs(folder + "/c/d/"));

  EXPECT_TRUE(ensure_bpffs(folder));

  EXPECT_TRUE(is_bpffs(folder + "/c/d"));  // a second mount would hide it
}

TEST_F(BpffsTest, DoesNotHideFiles) {
  directory_.write("file", "x");
  EXPECT_EQ(ensure_bpffs(directory_.path()).error().code, Errc::kExists);
  EXPECT_FALSE(is_bpffs(directory_.path()));
  EXPECT_FALSE(ensure_bpffs(directory_.path() + "/file"));
  EXPECT_FALSE(ensure_bpffs(directory_.path() + "/file/below"));
}

TEST_F(BpffsTest, SaysWhatToDoWhenNotPermitted) {
  const LoweredCapabilities lowered;

  const auto made = ensure_bpffs(directory_.path());

  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().what, HasSubstr("mount -t bpf bpf " + directory_.path()));
}

}  // namespace
}  // namespace penstock
