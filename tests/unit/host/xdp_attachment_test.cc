#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "host/interface.h"
#include "host/netlink_socket.h"
#include "unit/host/own_network.h"

namespace penstock {
namespace {

/// "return XDP_PASS".
FileDescriptor load_passing_program() {
  const std::array<bpf_insn, 2> code{bpf_insn{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = XDP_PASS},
                                     bpf_insn{.code = BPF_JMP | BPF_EXIT}};
  bpf_attr attributes{};
  attributes.prog_type = BPF_PROG_TYPE_XDP;
  attributes.insns = reinterpret_cast<std::uint64_t>(code.data());
  attributes.insn_cnt = code.size();
  attributes.license = reinterpret_cast<std::uint64_t>("GPL");
  return FileDescriptor{static_cast<int>(::syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof attributes))};
}

std::uint32_t id_of(const FileDescriptor& program) {
  bpf_prog_info info{};
  bpf_attr attributes{};
  attributes.info.bpf_fd = static_cast<std::uint32_t>(program.get());
  attributes.info.info_len = sizeof info;
  attributes.info.info = reinterpret_cast<std::uint64_t>(&info);
  EXPECT_EQ(::syscall(SYS_bpf, BPF_OBJ_GET_INFO_BY_FD, &attributes, sizeof attributes), 0);
  return info.id;
}

Result<void> attach(const Interface& interface, const FileDescriptor& program, std::uint32_t mode) {
  auto socket = NetlinkSocket::open();
  if (!socket) return socket.error();
  NetlinkRequest request{RTM_SETLINK, 0, ifinfomsg{.ifi_index = static_cast<int>(interface.index)}};
  request.put_nested(IFLA_XDP, [&] {
    request.put_u32(IFLA_XDP_FD, static_cast<std::uint32_t>(program.get()));
    request.put_u32(IFLA_XDP_FLAGS, mode);
  });
  return socket->ask(request);
}

class XdpAttachmentTest : public OwnNetworkTest {};

TEST_F(XdpAttachmentTest, IsSeenWithItsModeAndProgram) {
  make_wire();
  const FileDescriptor program = load_passing_program();
  if (!program) GTEST_SKIP() << "this kernel or user loads no BPF programs: " << std::strerror(errno);
  EXPECT_EQ(interface_named("v0")->xdp_mode, Interface::XdpMode::kNone);
  EXPECT_EQ(interface_named("v0")->xdp_program, 0U);

  ASSERT_TRUE(attach(*interface_named("v0"), program, XDP_FLAGS_DRV_MODE));
  ASSERT_TRUE(attach(*interface_named("lo"), program, XDP_FLAGS_SKB_MODE));

  EXPECT_EQ(interface_named("v0")->xdp_mode, Interface::XdpMode::kNative);
  EXPECT_EQ(interface_named("v0")->xdp_program, id_of(program));
  EXPECT_EQ(interface_named("lo")->xdp_mode, Interface::XdpMode::kGeneric);
  EXPECT_EQ(interface_named("lo")->xdp_program, id_of(program));
  EXPECT_EQ(interface_named("v1")->xdp_mode, Interface::XdpMode::kNone);
}

}  // namespace
}  // namespace penstock
