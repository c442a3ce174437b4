#include "bpf/bpf_link.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/file_descriptor.h"

namespace penstock {
namespace {

/// The pinned link, when it is there and still holds what `is_held` asks for.
template <class IsHeld>
FileDescriptor held_link(const std::string& pin, IsHeld is_held) {
  FileDescriptor link{::bpf_obj_get(pin.c_str())};
  if (!link) return {};
  bpf_link_info info{};
  __u32 length = sizeof info;
  const bool known = ::bpf_obj_get_info_by_fd(link.get(), &info, &length) == 0;
  if (known && is_held(info)) return link;
  ::unlink(pin.c_str());  // its interface, or its namespace, is gone
  return {};
}

Result<void> replace(const FileDescriptor& link, int program, const std::string& pin) {
  if (::bpf_link_update(link.get(), program, nullptr) == 0) return {};
  return system_error("cannot replace the program of " + pin, errno);
}

Result<void> pin_link(FileDescriptor link, const std::string& pin) {
  if (::bpf_obj_pin(link.get(), pin.c_str()) == 0) return {};
  return system_error("cannot pin " + pin, errno);
}

}  // namespace

std::string_view to_string(XdpMode mode) {
  return mode == XdpMode::kNative ? "native" : "generic";
}

Result<void> attach_xdp(const std::string& pin, int program, std::uint32_t interface, XdpMode mode) {
  const auto on_interface = [interface](const bpf_link_info& info) { return info.xdp.ifindex == interface; };
  if (const FileDescriptor held = held_link(pin, on_interface)) return replace(held, program, pin);
  LIBBPF_OPTS(bpf_link_create_opts, options,
              .flags = mode == XdpMode::kNative ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE);
  FileDescriptor link{::bpf_link_create(program, static_cast<int>(interface), BPF_XDP, &options)};
  if (link) return pin_link(std::move(link), pin);
  const int why = errno;
  if (why == EBUSY || why == EEXIST)
    return error(Errc::kExists, "another program's XDP program is on the interface");
  return system_error("cannot attach in " + std::string{to_string(mode)} + " mode", why);
}

Result<void> attach_sk_lookup(const std::string& pin, int program) {
  const FileDescriptor space{::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)};
  if (!space) return system_error("cannot open the network namespace", errno);
  struct stat status {};
  if (::fstat(space.get(), &status) != 0) return system_error("cannot look at the network namespace", errno);
  const auto in_space = [&](const bpf_link_info& info) { return info.netns.netns_ino == status.st_ino; };
  if (const FileDescriptor held = held_link(pin, in_space)) return replace(held, program, pin);
  FileDescriptor link{::bpf_link_create(program, space.get(), BPF_SK_LOOKUP, nullptr)};
  if (!link) return system_error("cannot attach sk_lookup", errno);
  return pin_link(std::move(link), pin);
}

Result<void> detach(const std::string& pin) {
  if (::unlink(pin.c_str()) == 0 || errno == ENOENT) return {};
  return system_error("cannot remove " + pin, errno);
}

}  // namespace penstock
