#include "node/user.h"

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace penstock {

Result<void> become_user(const std::string& user, bool steering) {
  if (user.empty() || ::geteuid() != 0) return {};
  errno = 0;
  const passwd* const entry = ::getpwnam(user.c_str());
  if (entry == nullptr)
    return error(Errc::kNotFound, "node.user: there is no user '" + user + "' on this host");
  if (::prctl(PR_SET_KEEPCAPS, 1) != 0 || ::initgroups(user.c_str(), entry->pw_gid) != 0 ||
      ::setgid(entry->pw_gid) != 0 || ::setuid(entry->pw_uid) != 0) {
    return system_error("cannot become user " + user, errno);
  }
  constexpr __u32 kBind = 1U << CAP_NET_BIND_SERVICE;
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  const __u32 permitted = kBind | (steering ? 1U << CAP_NET_ADMIN : 0U);
  __user_cap_data_struct data[2] = {{.effective = kBind, .permitted = permitted, .inheritable = 0}, {}};
  if (::syscall(SYS_capset, &header, data) != 0) return system_error("cannot give up capabilities", errno);
  return {};
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace penstock
