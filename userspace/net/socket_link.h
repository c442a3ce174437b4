// A TCP socket as a link.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>

#include "base/file_descriptor.h"
#include "net/link.h"
#include "net/network.h"

namespace penstock {

class SocketLink final : public Link {
 public:
  /// Takes over a connected, non-blocking socket.
  SocketLink(boost::asio::io_context& context, FileDescriptor socket, const LinkOptions& options);
  ~SocketLink() override;

  void observe(LinkObserver* observer) override;
  void await_readable() override;
  void await_writable() override;
  void await_failure() override;
  IoResult read(MutableBytes into) override;
  IoResult write(Bytes from, bool more) override;
  void finish() override;
  void reset_on_close() override;
  void leave() override;
  void join(Network& network) override;

 private:
  struct State;
  static std::shared_ptr<State> state_for(boost::asio::io_context& context, FileDescriptor socket);

  // Shared with waits under way, whose handlers run after the link is gone.
  std::shared_ptr<State> state_;  // null between two loops
  FileDescriptor parked_;         // the socket between two loops
};

}  // namespace penstock
