// Capabilities taken from the calling thread for the length of a test.
#pragma once

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

namespace penstock {

/// Makes none effective until its end; they stay permitted.
class LoweredCapabilities {
 public:
  LoweredCapabilities() : before_{current()} {
    Data lowered = before_;
    for (auto& half : lowered) half.effective = 0;
    apply(lowered);
  }
  LoweredCapabilities(const LoweredCapabilities&) = delete;
  LoweredCapabilities& operator=(const LoweredCapabilities&) = delete;
  ~LoweredCapabilities() { apply(before_); }

  /// Becomes a user that owns no files, for good, with all still permitted: for a thread that ends soon.
  static void become_nobody() {
    const Data kept = current();
    constexpr long kNobody = 65534;  // glibc's own call would change all threads
    if (::prctl(PR_SET_KEEPCAPS, 1) != 0 || ::syscall(SYS_setresuid, kNobody, kNobody, kNobody) != 0)
      std::abort();
    Data permitted = kept;
    for (auto& half : permitted) half.effective = 0;
    apply(permitted);
  }
  /// Gives all up for good: for a thread that ends soon.
  static void forget() { apply(Data{}); }

 private:
  using Data = std::array<__user_cap_data_struct, 2>;

  static Data current() {
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    Data data{};
    if (::syscall(SYS_capget, &header, data.data()) != 0) std::abort();
    return data;
  }
  static void apply(const Data& data) {
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    if (::syscall(SYS_capset, &header, data.data()) != 0) std::abort();
  }

  Data before_;
};

}  // namespace penstock
