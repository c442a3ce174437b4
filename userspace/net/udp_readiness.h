// Which of a loop's UDP sockets have datagrams to read.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <memory>

namespace penstock {

/// An epoll of its own within that of Asio, which would ask the system to watch a socket anew after each of
/// its turns: one call for each datagram when there are thousands of sockets. This one asks when a socket
/// comes. One thread, its loop's. Shared by the network and its sockets, the last of which may outlive it.
class UdpReadiness : public std::enable_shared_from_this<UdpReadiness> {
 public:
  class Reader {
   public:
    /// The socket has datagrams. Returns how many were read; those left are told of again. Any reader may be
    /// removed within.
    virtual std::size_t on_readable() = 0;

   protected:
    ~Reader() = default;
  };

  /// Throws when the system has no descriptors left, as the io_context itself does; so does add().
  static std::shared_ptr<UdpReadiness> make(boost::asio::io_context& context);
  UdpReadiness(const UdpReadiness&) = delete;
  UdpReadiness& operator=(const UdpReadiness&) = delete;

  void add(int fd, Reader& reader);
  /// Nothing more is told to it. The socket is closed afterwards, which makes the system forget it.
  void remove(const Reader& reader);

 private:
  static constexpr std::size_t kAtOnce = 64;
  /// Datagrams that are read before other work of the loop gets its turn.
  static constexpr std::size_t kTurn = 256;

  explicit UdpReadiness(boost::asio::io_context& context);
  void wait();
  void tell();

  boost::asio::posix::stream_descriptor epoll_;
  std::array<epoll_event, kAtOnce> ready_;
  std::size_t ready_count_ = 0;
};

}  // namespace penstock
