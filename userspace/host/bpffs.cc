#include "host/bpffs.h"

#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <system_error>

namespace penstock {
namespace {

constexpr mode_t kOwnerOnly = 0700;

Result<bool> lies_on_bpffs(const std::string& folder) {
  struct statfs info {};
  if (::statfs(folder.c_str(), &info) != 0) return system_error("cannot examine folder " + folder, errno);
  return static_cast<std::uint32_t>(info.f_type) == BPF_FS_MAGIC;
}

/// Makes the folder, and those above it, where missing.
Result<void> make_folder(const std::filesystem::path& folder) {
  std::error_code failed;
  if (std::filesystem::is_directory(folder, failed)) return {};
  if (folder.has_relative_path()) {
    if (auto above = make_folder(folder.parent_path()); !above) return above;
  }
  if (::mkdir(folder.c_str(), kOwnerOnly) == 0) return {};
  auto refused = system_error("cannot make folder " + folder.string(), errno);
  refused.what += "; where /sys/fs/bpf is no BPF filesystem, as root: mount -t bpf bpf /sys/fs/bpf";
  return refused;
}

Result<void> mount_bpffs(const std::string& folder) {
  std::error_code failed;
  const bool empty = std::filesystem::is_empty(folder, failed);
  if (failed) return system_error("cannot look into folder " + folder, failed.value());
  if (!empty) return error(Errc::kExists, folder + " holds files, which a BPF filesystem would hide");
  if (::mount("bpf", folder.c_str(), "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") == 0) return {};
  auto refused = system_error("cannot mount a BPF filesystem on " + folder, errno);
  refused.what += "; as root: mount -t bpf bpf " + folder + ", or name a folder on one that is mounted";
  return refused;
}

}  // namespace

Result<void> ensure_bpffs(const std::string& folder) {
  const std::filesystem::path path{folder};
  if (!path.is_absolute()) return error(Errc::kInvalid, "'" + folder + "' is not an absolute path");
  if (auto made = make_folder(path.has_filename() ? path : path.parent_path()); !made) return made;
  auto there = lies_on_bpffs(folder);
  if (!there) return there.error();
  return *there ? Result<void>{} : mount_bpffs(folder);
}

}  // namespace penstock
