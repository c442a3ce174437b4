// UDP sockets of the load program, and batches of datagrams that one system call receives or sends.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <memory>

#include "base/address.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/file_descriptor.h"

namespace penstock::flowload {

/// A non-blocking UDP socket, bound but not connected. Its receive buffer is as large as the system lets us
/// have, up to `receive_buffer` bytes; 0 leaves the system's default.
Result<FileDescriptor> bind_datagrams(const Endpoint& at, int receive_buffer);

/// Where a datagram came from or goes to, as the system has it.
struct Peer {
  sockaddr_storage address;
  socklen_t length;
};

/// The address of ours that a datagram was sent to, and from which its answer leaves. Empty on a socket that
/// is bound to one address.
struct OwnAddress {
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(in6_pktinfo))> control;
  std::size_t length;
};

constexpr std::size_t kBatch = 64;  // datagrams in a system call

/// What one system call received; good until the next one.
class ReceivedBatch {
 public:
  /// `longest`: bytes of a datagram that are kept; is_cut() tells of those that had more.
  explicit ReceivedBatch(std::size_t longest);

  /// How many came, up to kBatch; 0 when none waits.
  std::size_t receive(int fd);
  Bytes bytes(std::size_t index) const;
  bool is_cut(std::size_t index) const;
  const Peer& peer(std::size_t index) const { return peers_[index]; }
  const OwnAddress& own(std::size_t index) const { return own_[index]; }

 private:
  const std::size_t longest_;
  std::unique_ptr<std::byte[]> bytes_;
  std::array<Peer, kBatch> peers_;
  std::array<OwnAddress, kBatch> own_;
  std::array<iovec, kBatch> pieces_;
  std::array<mmsghdr, kBatch> messages_{};
};

/// What one system call sends. It keeps references: all that was added must live until it was sent.
class SendBatch {
 public:
  /// Adds `head` and `body` as one datagram; there must be room. `own` may be null.
  void add(const Peer& peer, const OwnAddress* own, Bytes head, Bytes body);
  bool full() const { return count_ == kBatch; }
  std::size_t size() const { return count_; }
  /// Sends from the front until the system takes no more, and empties the batch. Returns how many it took; if
  /// that is not all, errno says why.
  std::size_t send(int fd);

 private:
  std::array<iovec, 2 * kBatch> pieces_;
  std::array<mmsghdr, kBatch> messages_;
  std::size_t count_ = 0;
};

}  // namespace penstock::flowload
