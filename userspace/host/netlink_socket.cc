#include "host/netlink_socket.h"

#include <linux/capability.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "host/capabilities.h"

namespace penstock {
namespace {

constexpr int kDumpAttempts = 8;
constexpr std::size_t kDatagramRoom = 32 * 1024;  // the kernel makes its answers no larger

/// What NLMSG_ERROR says: 0 is the acknowledgement.
int error_number_of(const nlmsghdr& message) {
  if (mnl_nlmsg_get_payload_len(&message) < sizeof(nlmsgerr::error)) return EBADMSG;
  int negative = 0;
  std::memcpy(&negative, mnl_nlmsg_get_payload(&message), sizeof negative);
  return -negative;
}

Error kernel_error(int error_number) {
  const boost::system::error_code code{error_number, boost::system::system_category()};
  return {code, code.message()};
}

}  // namespace

Result<NetlinkSocket> NetlinkSocket::open() {
  FileDescriptor socket{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE)};
  if (!socket) return system_error("cannot open a netlink socket", errno);
  return NetlinkSocket{std::move(socket)};
}

Result<void> NetlinkSocket::ask(NetlinkRequest& request, const Take& take) {
  request.add_flags(NLM_F_ACK);
  if (auto sent = send(request); !sent) return sent;
  auto whole = take_answer(take);
  if (!whole) return whole.error();
  return {};
}

Result<void> NetlinkSocket::dump(NetlinkRequest& request, const std::function<void()>& restart,
                                 const Take& take) {
  request.add_flags(NLM_F_DUMP);
  for (int attempt = 0; attempt < kDumpAttempts; ++attempt) {
    restart();
    if (auto sent = send(request); !sent) return sent;
    auto whole = take_answer(take);
    if (!whole) return whole.error();
    if (*whole) return {};
  }
  return error(Errc::kUnavailable, "the network's state changes faster than it can be read");
}

/// Names the kernel as the destination: only then it asks who sends, and not who opened the socket too.
Result<void> NetlinkSocket::send(NetlinkRequest& request) {
  const RaisedCapabilities raised{CAP_NET_ADMIN};
  request.set_sequence(++sequence_);
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  const nlmsghdr& message = request.message();
  if (::sendto(socket_.get(), &message, message.nlmsg_len, 0, reinterpret_cast<const sockaddr*>(&kernel),
               sizeof kernel) < 0) {
    return kernel_error(errno);
  }
  return {};
}

/// False: things changed while they were dumped.
Result<bool> NetlinkSocket::take_answer(const Take& take) {
  bool whole = true;
  for (;;) {
    auto progress = take_datagram(take);
    if (!progress) return progress.error();
    whole = whole && !progress->interrupted;
    if (progress->done) return whole;
  }
}

Result<NetlinkSocket::Progress> NetlinkSocket::take_datagram(const Take& take) {
  alignas(nlmsghdr) std::array<std::byte, kDatagramRoom> buffer;
  const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_TRUNC);
  if (got < 0) return kernel_error(errno);
  if (static_cast<std::size_t>(got) > buffer.size()) return kernel_error(EMSGSIZE);
  Progress progress;
  int left = static_cast<int>(got);
  for (const auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data());
       !progress.done && mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
    if (message->nlmsg_seq != sequence_) continue;  // of an answer that was given up
    progress.interrupted = progress.interrupted || (message->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
    if (message->nlmsg_type == NLMSG_ERROR) {
      if (const int number = error_number_of(*message); number != 0) return kernel_error(number);
      progress.done = true;
    } else if (message->nlmsg_type == NLMSG_DONE) {
      progress.done = true;
    } else if (message->nlmsg_type >= NLMSG_MIN_TYPE && take) {
      take(*message);
    }
  }
  return progress;
}

}  // namespace penstock
