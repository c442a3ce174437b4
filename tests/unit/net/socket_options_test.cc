#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "net/asio_loop.h"
#include "net/socket_link.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;

struct Option {
  int level;
  int name;
  int value;
};

int value_of(int fd, const Option& option) {
  int value = -1;
  socklen_t length = sizeof value;
  EXPECT_EQ(::getsockopt(fd, option.level, option.name, &value, &length), 0);
  return value;
}

TEST(SocketOptionsTest, AreSetAsTheLinkWasTold) {
  AsioLoop loop;
  FileDescriptor socket{::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  const int fd = socket.get();
  const SocketLink link{
      loop.context(),
      std::move(socket),
      {.keepalive = 7s, .keepalive_interval = 1500ms, .keepalive_probes = 3, .unsent_limit = 4321}};
  for (const Option& option :
       {Option{IPPROTO_TCP, TCP_NODELAY, 1}, Option{SOL_SOCKET, SO_KEEPALIVE, 1},
        Option{IPPROTO_TCP, TCP_KEEPIDLE, 7},
        Option{IPPROTO_TCP, TCP_KEEPINTVL, 2},  // whole seconds, never less than asked for
        Option{IPPROTO_TCP, TCP_KEEPCNT, 3}, Option{IPPROTO_TCP, TCP_USER_TIMEOUT, 11'500},
        Option{IPPROTO_TCP, TCP_NOTSENT_LOWAT, 4321}}) {
    EXPECT_EQ(value_of(fd, option), option.value) << "option " << option.name << " of level " << option.level;
  }
}

TEST(SocketOptionsTest, LeaveProbesOffWhenNoneAreWanted) {
  AsioLoop loop;
  FileDescriptor socket{::socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  const int fd = socket.get();
  const SocketLink link{loop.context(), std::move(socket), {}};
  EXPECT_EQ(value_of(fd, {SOL_SOCKET, SO_KEEPALIVE, 0}), 0);
  EXPECT_EQ(value_of(fd, {IPPROTO_TCP, TCP_USER_TIMEOUT, 0}), 0);
  EXPECT_EQ(value_of(fd, {IPPROTO_TCP, TCP_NODELAY, 0}), 1);
}

}  // namespace
}  // namespace penstock
