#include "host/tap_writer.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/seccomp.h>
#include <netpacket/packet.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <array>
#include <string>
#include <thread>
#include <vector>

#include "host/tap_device.h"
#include "unit/host/own_network.h"

namespace penstock {
namespace {

constexpr std::uint16_t kType = ETH_P_802_EX1;  // for experiments: nothing else speaks it

class TapWriterTest : public OwnNetworkTest {
 protected:
  void SetUp() override {
    OwnNetworkTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    auto tap = make_tap_device("pst2");
    ASSERT_TRUE(tap) << tap.error().what;
    writer_.emplace(std::move(tap->file));
    seen_ = FileDescriptor{::socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, htons(kType))};
    sockaddr_ll device{};
    device.sll_family = AF_PACKET;
    device.sll_protocol = htons(kType);
    device.sll_ifindex = static_cast<int>(tap->index);
    ASSERT_EQ(::bind(seen_.get(), reinterpret_cast<const sockaddr*>(&device), sizeof device), 0);
  }

  std::vector<TapWriter::Frame> frames_of(const std::vector<std::string>& bodies) const {
    std::vector<TapWriter::Frame> frames;
    for (const std::string& body : bodies) frames.push_back({as_bytes(head_), as_bytes(body)});
    return frames;
  }
  TapWriter::Written write(const std::vector<std::string>& bodies) {
    return writer_->write(frames_of(bodies));
  }
  /// Bodies of the frames that came.
  std::vector<std::string> came() {
    std::vector<std::string> bodies;
    std::array<char, 4096> frame{};
    for (;;) {
      const ssize_t size = ::recv(seen_.get(), frame.data(), frame.size(), 0);
      if (size < static_cast<ssize_t>(head_.size())) return bodies;
      bodies.emplace_back(frame.data() + head_.size(), static_cast<std::size_t>(size) - head_.size());
    }
  }
  static std::vector<std::string> many() {
    std::vector<std::string> bodies;
    for (std::size_t i = 0; i < TapWriter::kAtOnce; ++i)
      bodies.push_back(std::string(46 + i * 17, static_cast<char>('!' + i)));
    return bodies;
  }

  const std::string head_ = std::string(12, '\xff') + "\x88\xb5";
  std::optional<TapWriter> writer_;
  FileDescriptor seen_;
};

TEST_F(TapWriterTest, WritesManyInOrderWithOneCall) {
  for (std::uint64_t round = 1; round <= 3; ++round) {
    const auto written = write(many());
    EXPECT_EQ(written.frames, TapWriter::kAtOnce) << written.error.message();
    EXPECT_EQ(writer_->calls(), round) << "this host permits no io_uring";
    EXPECT_EQ(came(), many());
  }
}

TEST_F(TapWriterTest, StopsAtTheFirstThatIsNotTaken) {
  const auto bodies = many();
  auto frames = frames_of(bodies);
  frames[3].head = frames[3].head.first(5);
  frames[3].body = {};
  const auto written = writer_->write(frames);
  EXPECT_EQ(written.frames, 3U);
  EXPECT_EQ(written.error.value(), EINVAL);
  EXPECT_EQ(came(), std::vector(bodies.begin(), bodies.begin() + 3));
  EXPECT_EQ(writer_->write(std::span{frames}.subspan(4)).frames, frames.size() - 4);
  EXPECT_EQ(came(), std::vector(bodies.begin() + 4, bodies.end()));
}

TEST_F(TapWriterTest, TellsOfADeviceThatIsDown) {
  ip("link set pst2 down");
  const auto written = write(many());
  EXPECT_EQ(written.frames, 0U);
  EXPECT_EQ(written.error.value(), EIO);
}

TEST_F(TapWriterTest, WritesOneByOneForAnotherThread) {
  std::thread{[this] { EXPECT_EQ(write(many()).frames, TapWriter::kAtOnce); }}.join();
  EXPECT_EQ(came(), many());
  EXPECT_EQ(writer_->calls(), 1U);
  EXPECT_EQ(write(many()).frames, TapWriter::kAtOnce);
  EXPECT_EQ(came(), many());
  EXPECT_GT(writer_->calls(), TapWriter::kAtOnce);
}

/// Of this thread alone.
void forbid_rings() {
  constexpr sock_filter kProgram[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{.len = std::size(kProgram), .filter = const_cast<sock_filter*>(kProgram)};
  ASSERT_EQ(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
  ASSERT_EQ(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), 0);
}

TEST_F(TapWriterTest, WritesOneByOneWhereNoRingIsPermitted) {
  std::thread{[this] {
    forbid_rings();
    const auto written = write(many());
    EXPECT_EQ(written.frames, TapWriter::kAtOnce) << written.error.message();
  }}.join();
  EXPECT_EQ(writer_->calls(), TapWriter::kAtOnce);
  EXPECT_EQ(came(), many());
}

}  // namespace
}  // namespace penstock
