// The admin server: HTTP/1.1 on a unix socket for operators, and a small part of it on TCP for everyone.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <list>
#include <string>

#include "admin/event_log.h"
#include "admin/limits.h"
#include "admin/listener.h"
#include "admin/router.h"
#include "admin/task_group.h"
#include "base/address.h"
#include "base/error.h"
#include "base/file_descriptor.h"

namespace penstock {

/// Serves the routes of `router`, to which it adds GET /live and GET /v1/events. Made, used and destroyed on
/// the loop's thread; loop, router and log must outlive it. Nothing that a client sends ends the process.
class AdminServer {
 public:
  AdminServer(boost::asio::io_context& io, Router& router, EventLog& log, AdminLimits limits = {});
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;
  /// Aborts unless idle().
  ~AdminServer();

  /// See UnixListener::open().
  Result<void> listen_unix(const std::string& path);
  /// The endpoint that is listened on: port 0 lets the system choose.
  Result<Endpoint> listen_http(const Endpoint& endpoint);

  /// Closes all, ends followers of events, drops answers that are still awaited. Waits for nothing: the
  /// server is idle() once the loop has run what is ready (io.poll()).
  void stop();
  bool idle() const { return tasks_.empty(); }

 private:
  using Stream = boost::asio::generic::stream_protocol;

  struct Listener {
    Listener(boost::asio::io_context& io, AdminAudience who) : acceptor{io}, audience{who} {}
    boost::asio::basic_socket_acceptor<Stream> acceptor;
    AdminAudience audience;
    std::size_t open = 0;  // connections
  };

  Result<void> listen(FileDescriptor socket, int family, AdminAudience audience);
  boost::asio::awaitable<void> accept(Listener& listener);
  boost::asio::awaitable<void> serve(Listener& listener, Stream::socket socket);

  boost::asio::io_context& io_;
  const Router& router_;
  EventLog& log_;
  const AdminLimits limits_;
  std::list<UnixListener> files_;
  std::list<Listener> listeners_;
  TaskGroup tasks_;
};

}  // namespace penstock
