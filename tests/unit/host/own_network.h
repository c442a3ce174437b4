// A network of a test's own: the calling thread lives in new network and mount namespaces until its end.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/address.h"
#include "base/file_descriptor.h"
#include "host/capabilities.h"
#include "host/sysctl.h"

namespace penstock {

inline IpAddress address(std::string_view text) {
  return *IpAddress::parse(text);
}

/// What a command writes; the command must succeed.
inline std::string output_of(const std::string& command) {
  std::string text;
  FILE* const pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return text;
  for (int c = 0; (c = std::fgetc(pipe)) != EOF;) text.push_back(static_cast<char>(c));
  EXPECT_EQ(::pclose(pipe), 0) << command;
  return text;
}

/// What `ip -json ARGUMENTS` says.
inline boost::json::array ip_json(const std::string& arguments) {
  const auto value = boost::json::parse(output_of("ip -json " + arguments));
  return value.is_array() ? value.as_array() : boost::json::array{};
}

/// Tests of this fixture are skipped without root. Nothing that they do is seen outside.
class OwnNetworkTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_capability(CAP_SYS_ADMIN)) GTEST_SKIP() << "needs root, to make a network namespace";
    before_ = std::filesystem::current_path();
    network_.reset(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    mounts_.reset(::open("/proc/thread-self/ns/mnt", O_RDONLY | O_CLOEXEC));
    ASSERT_EQ(::unshare(CLONE_NEWNET | CLONE_NEWNS), 0);
    inside_ = true;
    ASSERT_EQ(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
    ASSERT_EQ(::mount("sysfs", "/sys", "sysfs", 0, nullptr), 0);  // it shows the namespace it is mounted in
    ip("link set lo up");
  }
  void TearDown() override {
    if (!inside_) return;
    if (::setns(network_.get(), CLONE_NEWNET) != 0 || ::setns(mounts_.get(), CLONE_NEWNS) != 0) std::abort();
    std::filesystem::current_path(before_);
  }

  static void ip(const std::string& arguments) { output_of("ip " + arguments); }
  /// A pair "v0", "v1" that is up; v0 has 10.0.0.1/24 and 2001:db8::1/64, and these are all.
  static void make_wire() {
    EXPECT_TRUE(
        write_sysctl("net/ipv6/conf/default/addr_gen_mode", "1"));  // no link-local ones, which come late
    ip("link add v0 type veth peer name v1");
    ip("link set v0 up");
    ip("link set v1 up");
    ip("addr add 10.0.0.1/24 dev v0");
    ip("addr add 2001:db8::1/64 dev v0 nodad");
    await_routes();
  }

 private:
  /// The kernel gives an interface its IPv6 routes a moment after the wire is there.
  static void await_routes() {
    for (int attempts = 0; attempts < 500; ++attempts) {
      if (!ip_json("-6 route show table local 2001:db8::1").empty() &&
          !ip_json("-6 route show 2001:db8::/64").empty())
        return;
      ::usleep(10'000);
    }
    ADD_FAILURE() << "v0 got no IPv6 routes";
  }

  bool inside_ = false;
  std::filesystem::path before_;
  FileDescriptor network_;
  FileDescriptor mounts_;
};

}  // namespace penstock
