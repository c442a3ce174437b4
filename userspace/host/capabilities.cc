#include "host/capabilities.h"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>

namespace penstock {
namespace {

/// The capabilities of the calling thread, as the kernel has them: the low half of each set, then the high.
struct Sets {
  std::array<__user_cap_data_struct, 2> halves{};

  static std::uint64_t join(std::uint32_t low, std::uint32_t high) { return std::uint64_t{high} << 32 | low; }
  std::uint64_t permitted() const { return join(halves[0].permitted, halves[1].permitted); }
  std::uint64_t effective() const { return join(halves[0].effective, halves[1].effective); }
  void set_effective(std::uint64_t bits) {
    halves[0].effective = static_cast<std::uint32_t>(bits);
    halves[1].effective = static_cast<std::uint32_t>(bits >> 32);
  }
};

Sets current_sets() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  Sets sets;
  if (::syscall(SYS_capget, &header, sets.halves.data()) != 0)
    std::abort();  // a version that every kernel has
  return sets;
}

bool apply(const Sets& sets) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  return ::syscall(SYS_capset, &header, sets.halves.data()) == 0;
}

}  // namespace

bool has_capability(int capability) {
  return (current_sets().permitted() >> capability & 1) != 0;
}

RaisedCapabilities::RaisedCapabilities(std::initializer_list<int> capabilities) {
  Sets sets = current_sets();
  for (const int capability : capabilities) raised_ |= std::uint64_t{1} << capability;
  raised_ &= sets.permitted() & ~sets.effective();
  if (raised_ == 0) return;
  sets.set_effective(sets.effective() | raised_);
  if (!apply(sets)) raised_ = 0;
}

RaisedCapabilities::~RaisedCapabilities() {
  if (raised_ == 0) return;
  Sets sets = current_sets();
  sets.set_effective(sets.effective() & ~raised_);
  if (apply(sets)) return;
  std::fputs("cannot lower capabilities again\n", stderr);  // going on with them would be worse
  std::abort();
}

}  // namespace penstock
