// Datagrams read from UDP sockets in batches; those that the system joined (GRO) are cut apart again.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <memory>

#include "net/udp_socket.h"

namespace penstock {

/// One per thread, for all its sockets: what was read must be handled before the next read. A second one
/// serves reads within the handling of the first.
class UdpInbox {
 public:
  static UdpInbox& of_thread();
  static UdpInbox& nested_of_thread();
  UdpInbox(const UdpInbox&) = delete;
  UdpInbox& operator=(const UdpInbox&) = delete;

  /// Reads a batch. False when that emptied the socket's queue.
  bool read(int fd);
  /// The next datagrams of the batch, in order; none when all were given. Good until the next call.
  std::span<const ReceivedDatagram> next();

 private:
  /// A UDP datagram, and what GRO joins, is less than 64 KiB: nothing is ever cut off.
  static constexpr std::size_t kSlotSize = 65536;
  static constexpr std::size_t kSlots = 16;     // more were measured to bring nothing
  static constexpr std::size_t kGiven = 256;    // datagrams that next() gives at most
  static constexpr std::size_t kControl = 128;  // bytes beside a datagram; more than all that is asked for

  struct alignas(cmsghdr) Control {
    std::array<std::byte, kControl> bytes;
  };
  /// What one system message brought and is not given yet.
  struct Rest {
    ReceivedDatagram whole;
    std::size_t segment = 0;  // bytes of each datagram in it; the last may have less
  };
  UdpInbox();
  void prepare();
  Rest open(std::size_t slot) const;

  const std::unique_ptr<std::byte[]> payloads_;
  std::array<mmsghdr, kSlots> messages_{};
  std::array<iovec, kSlots> pieces_{};
  std::array<sockaddr_in6, kSlots> peers_{};
  std::array<Control, kSlots> controls_{};
  std::array<ReceivedDatagram, kGiven> given_;
  std::size_t filled_ = 0;  // slots of the last batch
  std::size_t opened_ = 0;  // of those
  Rest rest_;
  bool rest_waits_ = false;
};

}  // namespace penstock
