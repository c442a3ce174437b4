#include "penstockctl/http_daemon.h"

#include <array>
#include <boost/asio/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <optional>
#include <utility>

#include "penstockctl/timed_socket.h"

namespace penstock::ctl {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using Parser = http::response_parser<http::buffer_body>;

constexpr std::size_t kMaxAnswer = 64 << 20;
constexpr std::size_t kMaxLine = 1 << 20;

/// Cuts a stream into lines.
class LineCutter {
 public:
  explicit LineCutter(const LineSink& sink) : sink_{sink} {}
  /// False when a line is longer than any that the daemon writes.
  bool feed(std::string_view bytes) {
    held_.append(bytes);
    std::size_t begin = 0;
    for (auto end = held_.find('\n'); end != std::string::npos; end = held_.find('\n', begin)) {
      if (end != begin) sink_(std::string_view{held_}.substr(begin, end - begin));
      begin = end + 1;
    }
    held_.erase(0, begin);
    return held_.size() <= kMaxLine;
  }

 private:
  const LineSink& sink_;
  std::string held_;
};

Error lost(const error_code& why) {
  if (why == boost::asio::error::timed_out) {
    return error(Errc::kUnavailable,
                 "the daemon does not answer in time: it is stuck or overloaded; see its log");
  }
  if (why.category() == http::make_error_code(http::error::bad_version).category() &&
      why != http::error::end_of_stream && why != http::error::partial_message) {
    return error(Errc::kProtocol, "the answer is not the daemon's (" + why.message() +
                                      "): is another program behind the socket?");
  }
  return error(Errc::kUnavailable,
               "the daemon closed the connection before it had answered: it may be stopping, or "
               "serve as many operators as it may");
}

class HttpDaemon final : public Daemon {
 public:
  HttpDaemon(std::string socket, HttpDeadlines deadlines) : path_{std::move(socket)}, deadlines_{deadlines} {}

  Result<DaemonAnswer> ask(const DaemonRequest& request, const LineSink& lines) override {
    auto socket = TimedSocket::connect(path_, Clock::now() + deadlines_.whole);
    if (!socket) return std::move(socket).error();
    send(*socket, request);  // a daemon that refuses early has answered all the same
    return receive(*socket, lines);
  }

 private:
  static void send(TimedSocket& socket, const DaemonRequest& request) {
    http::request<http::string_body> message{http::string_to_verb(request.method), request.target, 11};
    message.set(http::field::host, "localhost");
    message.set(http::field::connection, "close");
    if (!request.body.empty()) message.set(http::field::content_type, "application/json");
    message.body() = request.body;
    message.prepare_payload();
    error_code ignored;
    http::write(socket, message, ignored);
  }

  Result<DaemonAnswer> receive(TimedSocket& socket, const LineSink& lines) const {
    beast::flat_buffer buffer;
    Parser parser;
    error_code failed;
    http::read_header(socket, buffer, parser, failed);
    if (failed) return lost(failed);
    DaemonAnswer answer{parser.get().result_int(), {}};
    std::optional<LineCutter> cutter;
    if (lines && answer.status == 200) cutter.emplace(lines);
    parser.body_limit(cutter ? boost::none : boost::optional<std::uint64_t>{kMaxAnswer});

    std::array<char, 16 * 1024> piece;
    while (!parser.is_done()) {
      if (cutter) socket.expires_at(Clock::now() + deadlines_.silence);
      auto& body = parser.get().body();
      body.data = piece.data();
      body.size = piece.size();
      http::read_some(socket, buffer, parser, failed);
      if (failed && failed != http::error::need_buffer) return lost(failed);
      const std::string_view got{piece.data(), piece.size() - body.size};
      if (!cutter) {
        answer.body.append(got);
      } else if (!cutter->feed(got)) {
        return error(Errc::kProtocol, "the daemon sent a line that never ends");
      }
    }
    return answer;
  }

  const std::string path_;
  const HttpDeadlines deadlines_;
};

}  // namespace

std::unique_ptr<Daemon> make_http_daemon(std::string socket, HttpDeadlines deadlines) {
  return std::make_unique<HttpDaemon>(std::move(socket), deadlines);
}

}  // namespace penstock::ctl
