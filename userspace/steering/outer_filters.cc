#include "steering/outer_filters.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "bpf/tc_filter.h"
#include "bpf/xdp_dispatcher.h"
#include "host/interface.h"
#include "host/traffic_filters.h"

namespace penstock {
namespace {

constexpr const char* kMap = "pst_settings";  // all programs use it

/// A folder in the folder of pins says that the qdisc was not there before.
std::string mark_of(const std::string& folder, std::uint32_t interface) {
  return folder + "/clsact_" + std::to_string(interface);
}

Result<void> remove_filter(const std::string& folder, std::uint32_t interface) {
  const auto removed = detach_tc(interface, folder + "/" + kMap);
  if (!removed) return removed.error();
  const std::string mark = mark_of(folder, interface);
  if (::access(mark.c_str(), F_OK) != 0) return {};
  const auto used = has_traffic_filters(interface);
  if (!used) return used.error();
  if (!*used) {
    auto gone = remove_clsact(interface);
    if (!gone) return gone;
  }
  ::rmdir(mark.c_str());
  return {};
}

}  // namespace

Result<void> put_filter(const std::string& folder, int program, std::uint32_t interface) {
  const auto made = make_clsact(interface);
  if (!made) return made.error();
  const std::string mark = mark_of(folder, interface);
  if (*made && ::mkdir(mark.c_str(), 0700) != 0 && errno != EEXIST)
    return system_error("cannot make the folder " + mark, errno);
  return attach_tc(program, interface, folder + "/" + kMap);
}

Result<void> remove_filters(const std::string& folder, const std::vector<std::uint32_t>& kept) {
  const auto all = interfaces();
  if (!all) return all.error();
  Result<void> first;
  for (const Interface& each : *all) {
    if (std::find(kept.begin(), kept.end(), each.index) != kept.end()) continue;
    auto done = remove_filter(folder, each.index);
    if (!done && first) first = std::move(done.error()).within(each.name);
  }
  return first;
}

Result<void> remove_pins(const std::string& folder) {
  std::vector<std::string> versions;
  std::error_code failed;
  for (const auto& entry : std::filesystem::recursive_directory_iterator{folder, failed}) {
    if (entry.path().filename() == kMap) versions.push_back(entry.path().parent_path().string());
  }
  auto left = leave_dispatchers(folder);
  for (const std::string& version : versions) {
    auto done = remove_filters(version, {});
    if (!done && left) left = std::move(done);
  }
  std::filesystem::remove_all(folder, failed);
  if (failed) return system_error("cannot remove " + folder, failed.value());
  return left;
}

}  // namespace penstock
