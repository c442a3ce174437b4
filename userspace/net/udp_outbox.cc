#include "net/udp_outbox.h"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

namespace penstock {
namespace {

constexpr std::size_t kSegments = 64;        // in a run: what every system with runs takes
constexpr std::size_t kMessages = 64;        // in a system call
constexpr std::size_t kDatagrams = 256;      // in a system call
constexpr unsigned kCallsUntilRetry = 1024;  // of send(), once the system refused a run

constexpr std::array<std::byte, kMostPadding> kZeros{};

std::size_t size_of(const OutgoingDatagram& datagram) {
  return datagram.header.size() + datagram.payload.size() + datagram.padding;
}

/// The system would ignore a source address of the wrong family.
bool is_consistent(const OutgoingDatagram& datagram) {
  return datagram.local.is_any() || datagram.local.is_v4() == datagram.peer.address.is_v4();
}

/// How many of the first datagrams can leave as one message; at least one.
std::size_t run_of(std::span<const OutgoingDatagram> batch, std::size_t longest_segment) {
  const OutgoingDatagram& first = batch.front();
  const std::size_t segment = size_of(first);
  if (segment == 0 || segment > longest_segment) return 1;
  const std::size_t most = std::min(batch.size(), kSegments);
  std::size_t total = segment;
  std::size_t count = 1;
  for (bool full = true; full && count < most; ++count) {
    const OutgoingDatagram& next = batch[count];
    const std::size_t size = size_of(next);
    if (size == 0 || size > segment || total + size > kLongestRun) break;
    if (next.peer != first.peer || next.local != first.local || next.ecn != first.ecn) break;
    total += size;
    full = size == segment;  // only the last may be shorter
  }
  return count;
}

/// What one system call sends. One per thread, since it is large; nothing in it outlives the call.
class Messages {
 public:
  static Messages& of_thread() {
    thread_local const std::unique_ptr<Messages> messages{new Messages};
    return *messages;
  }

  /// Takes datagrams from the front of a batch, none when the first is not consistent.
  void fill(std::span<const OutgoingDatagram> batch, std::size_t longest_segment) {
    count_ = pieces_used_ = 0;
    batch = batch.first(std::min(batch.size(), kDatagrams));
    while (!batch.empty() && count_ < kMessages && is_consistent(batch.front())) {
      const std::size_t run = run_of(batch, longest_segment);
      add(batch.first(run));
      batch = batch.subspan(run);
    }
  }
  int send(int fd) { return ::sendmmsg(fd, headers_.data(), static_cast<unsigned>(count_), 0); }

  bool empty() const { return count_ == 0; }
  std::size_t first_run() const { return runs_[0]; }
  std::size_t datagrams_in(int messages) const {
    std::size_t sum = 0;
    for (int i = 0; i < messages; ++i) sum += runs_[static_cast<std::size_t>(i)];
    return sum;
  }

 private:
  struct alignas(cmsghdr) Control {
    std::array<std::byte,
               CMSG_SPACE(sizeof(in6_pktinfo)) + CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(std::uint16_t))>
        bytes;
  };
  Messages() = default;

  void add(std::span<const OutgoingDatagram> run) {
    msghdr& header = headers_[count_].msg_hdr;
    header = {};
    header.msg_name = &peers_[count_];
    header.msg_namelen = run.front().peer.to_sockaddr(peers_[count_]);
    header.msg_iov = &pieces_[pieces_used_];
    header.msg_control = &controls_[count_];
    for (const OutgoingDatagram& datagram : run) {
      for (const Bytes part : {datagram.header, datagram.payload,
                               Bytes{kZeros}.first(std::min(datagram.padding, kMostPadding))}) {
        if (part.empty()) continue;
        pieces_[pieces_used_++] = {.iov_base = const_cast<std::byte*>(part.data()), .iov_len = part.size()};
      }
    }
    header.msg_iovlen = static_cast<std::size_t>(&pieces_[0] + pieces_used_ - header.msg_iov);
    add_source(run.front().local);
    if (run.front().ecn != 0) add_ecn(run.front());
    if (run.size() > 1)
      add_control(IPPROTO_UDP, UDP_SEGMENT, static_cast<std::uint16_t>(size_of(run.front())));
    if (header.msg_controllen == 0) header.msg_control = nullptr;
    runs_[count_++] = run.size();
  }

  void add_source(const IpAddress& local) {
    if (local.is_any()) return;
    if (local.is_v4()) {
      in_pktinfo info{};
      std::memcpy(&info.ipi_spec_dst, local.v4_bytes().data(), 4);
      return add_control(IPPROTO_IP, IP_PKTINFO, info);
    }
    in6_pktinfo info{};
    std::memcpy(&info.ipi6_addr, local.bytes().data(), 16);
    add_control(IPPROTO_IPV6, IPV6_PKTINFO, info);
  }

  void add_ecn(const OutgoingDatagram& datagram) {
    const int bits = datagram.ecn;
    if (datagram.peer.address.is_v4()) return add_control(IPPROTO_IP, IP_TOS, bits);
    add_control(IPPROTO_IPV6, IPV6_TCLASS, bits);
  }

  template <class T>
  void add_control(int level, int type, const T& content) {
    std::size_t& used = headers_[count_].msg_hdr.msg_controllen;
    const cmsghdr head{.cmsg_len = CMSG_LEN(sizeof content), .cmsg_level = level, .cmsg_type = type};
    std::byte* const at = controls_[count_].bytes.data() + used;
    std::memcpy(at, &head, sizeof head);
    std::memcpy(at + CMSG_LEN(0), &content, sizeof content);
    used += CMSG_SPACE(sizeof content);
  }

  std::array<mmsghdr, kMessages> headers_;
  std::array<sockaddr_storage, kMessages> peers_;
  std::array<Control, kMessages> controls_;
  std::array<std::size_t, kMessages> runs_;  // datagrams in each message
  std::array<iovec, 3 * kDatagrams> pieces_;
  std::size_t count_ = 0;
  std::size_t pieces_used_ = 0;
};

/// A system that knows no runs would send them as one large datagram.
bool knows_runs(int fd) {
  int segment = 0;
  socklen_t length = sizeof segment;
  return ::getsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment, &length) == 0;
}

}  // namespace

UdpOutbox::UdpOutbox(int fd) : fd_{fd}, has_runs_{knows_runs(fd)} {
  allow_runs();
}

void UdpOutbox::allow_runs() {
  longest_segment_ = has_runs_ ? kLongestRun / 2 : 0;
  calls_until_retry_ = 0;
}

/// EIO: the way out cannot cut runs at all. EINVAL, or EMSGSIZE: the path takes no segments of that size.
bool UdpOutbox::forbid_runs_of(std::size_t segment, int why) {
  if (why != EIO && why != EINVAL && why != EMSGSIZE) return false;
  longest_segment_ = why == EIO ? 0 : segment - 1;
  calls_until_retry_ = kCallsUntilRetry;
  return true;
}

UdpSent UdpOutbox::send(std::span<const OutgoingDatagram> batch) {
  if (calls_until_retry_ > 0 && --calls_until_retry_ == 0) allow_runs();
  Messages& messages = Messages::of_thread();
  std::size_t refused_at = batch.size();  // where a run was refused last
  for (std::size_t sent = 0; sent < batch.size();) {
    messages.fill(batch.subspan(sent), longest_segment_);
    if (messages.empty()) return {sent, {EINVAL, boost::system::system_category()}};
    const int taken = messages.send(fd_);
    const int why = errno;
    if (taken > 0) {
      sent += messages.datagrams_in(taken);
    } else if (why == EINTR) {
      continue;
    } else if (messages.first_run() > 1 && forbid_runs_of(size_of(batch[sent]), why)) {
      refused_at = sent;
    } else {
      if (refused_at == sent) allow_runs();  // it was not for being a run
      return {sent, {why, boost::system::system_category()}};
    }
  }
  return {batch.size(), {}};
}

}  // namespace penstock
