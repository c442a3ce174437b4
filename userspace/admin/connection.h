// One HTTP/1.1 conversation with an operator's program.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <string>

#include "admin/event_log.h"
#include "admin/limits.h"
#include "admin/router.h"

namespace penstock {

/// Lives in the coroutine that runs it, on the loop's thread; its end closes the socket.
class AdminConnection {
 public:
  using Socket = boost::asio::generic::stream_protocol::socket;

  AdminConnection(Socket socket, AdminAudience audience, const Router& router, EventLog& log,
                  const AdminLimits& limits);

  /// Requests and answers until either side ends it, or a deadline passes.
  boost::asio::awaitable<void> run();

 private:
  using Request = boost::beast::http::request<boost::beast::http::string_body>;
  using Response = boost::beast::http::response<boost::beast::http::string_body>;

  boost::asio::awaitable<bool> serve_one();
  boost::asio::awaitable<AdminResponse> answer(AdminRequest request);
  boost::asio::awaitable<void> refuse(const boost::system::error_code& why);
  boost::asio::awaitable<bool> send(AdminResponse response, unsigned version, bool keep_alive,
                                    bool head_only);
  boost::asio::awaitable<void> follow_events(unsigned version);
  boost::asio::awaitable<bool> send_piece(std::string text, bool chunked);
  boost::asio::awaitable<void> linger();

  boost::beast::basic_stream<boost::asio::generic::stream_protocol> stream_;
  boost::beast::flat_buffer buffer_;
  const AdminAudience audience_;
  const Router& router_;
  EventLog& log_;
  const AdminLimits& limits_;
};

}  // namespace penstock
