#include "bpf/bpf_trial.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/if_link.h>

#include <array>
#include <cerrno>

#include "base/file_descriptor.h"

namespace penstock {
namespace {

/// "return verdict;"
Result<FileDescriptor> load_constant(bpf_prog_type type, bpf_attach_type attach, std::int32_t verdict) {
  const std::array<bpf_insn, 2> program{
      bpf_insn{
          .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .src_reg = 0, .off = 0, .imm = verdict},
      bpf_insn{.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
  LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = attach);
  FileDescriptor loaded{
      ::bpf_prog_load(type, "penstock_trial", "Dual BSD/GPL", program.data(), program.size(), &options)};
  if (!loaded) return system_error("the kernel refused a program", errno);
  return loaded;
}

}  // namespace

Result<void> try_xdp(std::uint32_t interface, XdpMode mode) {
  const auto program = load_constant(BPF_PROG_TYPE_XDP, BPF_XDP, XDP_PASS);
  if (!program) return program.error();
  LIBBPF_OPTS(bpf_link_create_opts, options,
              .flags = mode == XdpMode::kNative ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE);
  const FileDescriptor link{
      ::bpf_link_create(program->get(), static_cast<int>(interface), BPF_XDP, &options)};
  if (link) return {};
  const int why = errno;
  if (why == EBUSY || why == EEXIST)
    return error(Errc::kExists, "another program's XDP program is on the interface");
  return system_error("the kernel did not attach it", why);
}

Result<void> try_sk_lookup() {
  const auto program = load_constant(BPF_PROG_TYPE_SK_LOOKUP, BPF_SK_LOOKUP, SK_PASS);
  if (!program) return program.error();
  const FileDescriptor space{::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)};
  if (!space) return system_error("cannot open the network namespace", errno);
  const FileDescriptor link{::bpf_link_create(program->get(), space.get(), BPF_SK_LOOKUP, nullptr)};
  if (link) return {};
  return system_error("the kernel did not attach it", errno);
}

Result<void> try_freplace() {
  const int answer = ::libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_EXT, nullptr);
  if (answer > 0) return {};
  if (answer == 0) return error(Errc::kUnavailable, "the kernel does not load them");
  return system_error("cannot try it", -answer);
}

bool is_xdp_link(const std::string& pin, std::uint32_t interface) {
  const FileDescriptor link{::bpf_obj_get(pin.c_str())};
  bpf_link_info info{};
  __u32 length = sizeof info;
  return link && ::bpf_obj_get_info_by_fd(link.get(), &info, &length) == 0 &&
         info.type == BPF_LINK_TYPE_XDP && info.xdp.ifindex == interface;
}

}  // namespace penstock
