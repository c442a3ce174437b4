#include "admin/connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/chunk_encode.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/write.hpp>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "admin/task_group.h"
#include "admin/wakeup.h"

namespace penstock {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;

constexpr std::size_t kReadBuffer = 64 * 1024;
constexpr std::size_t kEventsPerPiece = 64;
constexpr std::string_view kNdjson = "application/x-ndjson";

/// Where one answer is awaited. Shared by the connection that waits and by the AdminReply, which may come
/// later, from another thread, or never; once closed it neither keeps nor wakes anything.
class AnswerSlot {
 public:
  explicit AnswerSlot(Wakeup& wakeup) : wakeup_{&wakeup} {}

  void put(AdminResponse response) {
    const std::lock_guard lock{mutex_};
    if (wakeup_ == nullptr) return;
    response_ = std::move(response);
    wakeup_->notify();
  }
  std::optional<AdminResponse> close() {
    const std::lock_guard lock{mutex_};
    wakeup_ = nullptr;
    return std::exchange(response_, std::nullopt);
  }

 private:
  std::mutex mutex_;
  Wakeup* wakeup_;
  std::optional<AdminResponse> response_;
};

/// Closes the slot also when the waiting coroutine is cancelled.
struct AwaitedAnswer {
  explicit AwaitedAnswer(Wakeup& wakeup) : slot{std::make_shared<AnswerSlot>(wakeup)} {}
  AwaitedAnswer(const AwaitedAnswer&) = delete;
  AwaitedAnswer& operator=(const AwaitedAnswer&) = delete;
  ~AwaitedAnswer() { slot->close(); }
  std::shared_ptr<AnswerSlot> slot;
};

AdminResponse error_response(unsigned status, std::string_view sentence) {
  AdminResponse out;
  AdminReply{[&out](AdminResponse response) { out = std::move(response); }}.error(status, sentence);
  return out;
}

/// What the listener for everyone serves; the rest is for the unix socket, that is, for the daemon's user.
bool is_for_everyone(const RequestTarget& target) {
  constexpr std::array<std::string_view, 3> kPaths{"live", "ready", "metrics"};
  return target.path.size() == 1 && std::find(kPaths.begin(), kPaths.end(), target.path[0]) != kPaths.end();
}

/// The answer to a request that cannot be read; nothing when the peer is simply gone.
std::optional<AdminResponse> response_to(const error_code& why) {
  if (why.category() != http::make_error_code(http::error::bad_method).category()) return std::nullopt;
  if (why == http::error::end_of_stream || why == http::error::partial_message) return std::nullopt;
  if (why == http::error::header_limit || why == http::error::buffer_overflow) {
    return error_response(431, "the request's header is larger than the daemon reads: shorten it");
  }
  if (why == http::error::body_limit) {
    return error_response(413, "the request's body is larger than the daemon reads: shorten it");
  }
  return error_response(400, "the request is not HTTP/1.1: " + why.message());
}

}  // namespace

AdminConnection::AdminConnection(Socket socket, AdminAudience audience, const Router& router, EventLog& log,
                                 const AdminLimits& limits)
    : stream_{std::move(socket)},
      buffer_{kReadBuffer},
      audience_{audience},
      router_{router},
      log_{log},
      limits_{limits} {}

asio::awaitable<void> AdminConnection::run() {
  bool more = true;
  while (more)
    more = co_await serve_one();  // not in the condition: GCC 12.2 compiles an empty body to a trap
}

/// One request and its answer; false when the connection shall end.
asio::awaitable<bool> AdminConnection::serve_one() {
  http::request_parser<http::string_body> parser;
  parser.header_limit(limits_.header);
  parser.body_limit(limits_.body);
  error_code failed;
  stream_.expires_after(limits_.read);
  co_await http::async_read(stream_, buffer_, parser, into(failed));
  if (failed) {
    co_await refuse(failed);
    co_return false;
  }
  Request& request = parser.get();
  const unsigned version = request.version();
  const bool keep_alive = request.keep_alive();
  const bool head_only = request.method() == http::verb::head;

  AdminResponse response;
  auto target = RequestTarget::parse(std::string_view{request.target().data(), request.target().size()});
  if (!target) {
    response = error_response(400, target.error().what);
  } else if (audience_ == AdminAudience::kEveryone && !is_for_everyone(*target)) {
    response = error_response(
        404, "this listener serves /live, /ready and /metrics; the rest is on the unix socket");
  } else {
    AdminRequest asked;
    asked.method = std::string{request.method_string().data(), request.method_string().size()};
    asked.target = *std::move(target);
    asked.body = std::move(request.body());
    response = co_await answer(std::move(asked));
  }
  if (response.follow_events && !head_only) {
    co_await follow_events(version);
    co_return false;
  }
  co_return co_await send(std::move(response), version, keep_alive, head_only);
}

asio::awaitable<AdminResponse> AdminConnection::answer(AdminRequest request) {
  Wakeup wakeup{stream_.get_executor()};
  const AwaitedAnswer awaited{wakeup};
  AdminReply reply{[slot = awaited.slot](AdminResponse response) { slot->put(std::move(response)); }};
  try {
    router_.route(std::move(request), std::move(reply));
  } catch (const std::exception&) {
    // The reply was destroyed on the way here and has answered 500; the data plane must live on.
  }
  // A cancelled wait looks like one that took too long; the next co_await of the caller then unwinds.
  const bool answered = co_await wakeup.wait(limits_.answer);
  std::optional<AdminResponse> response = awaited.slot->close();
  if (!answered || !response) {
    co_return error_response(504,
                             "the daemon did not answer in time: it is overloaded or stuck; see its log");
  }
  co_return *std::move(response);
}

asio::awaitable<void> AdminConnection::refuse(const error_code& why) {
  std::optional<AdminResponse> response = response_to(why);
  if (!response) co_return;
  co_await send(*std::move(response), 11, false, false);
  co_await linger();
}

/// True when the connection may carry another request.
asio::awaitable<bool> AdminConnection::send(AdminResponse response, unsigned version, bool keep_alive,
                                            bool head_only) {
  Response message{static_cast<http::status>(response.status), version};
  message.set(http::field::content_type, response.content_type);
  message.set(http::field::cache_control, "no-store");
  message.body() = std::move(response.body);
  message.keep_alive(keep_alive);
  message.prepare_payload();

  http::response_serializer<http::string_body> serializer{message};
  error_code failed;
  stream_.expires_after(limits_.write);
  if (head_only) {
    co_await http::async_write_header(stream_, serializer, into(failed));
  } else {
    co_await http::async_write(stream_, serializer, into(failed));
  }
  co_return !failed && !message.need_eof();
}

/// Streams until the reader goes, or the task is cancelled: then the stream ends in order.
asio::awaitable<void> AdminConnection::follow_events(unsigned version) {
  co_await asio::this_coro::throw_if_cancelled(false);
  const bool chunked = version >= 11;
  http::response<http::empty_body> message{http::status::ok, version};
  message.set(http::field::content_type, kNdjson);
  message.set(http::field::cache_control, "no-store");
  message.chunked(chunked);
  message.keep_alive(false);

  // Before the header goes, so that who has seen it misses nothing.
  Wakeup wakeup{stream_.get_executor()};
  const auto follower = log_.follow([&wakeup] { wakeup.notify(); });
  http::response_serializer<http::empty_body> serializer{message};
  error_code failed;
  stream_.expires_after(limits_.write);
  co_await http::async_write_header(stream_, serializer, into(failed));

  bool sending = !failed;
  bool quiet = false;  // for as long as a heartbeat
  while (sending) {
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) break;
    std::string text;
    for (const auto& line : follower->take(kEventsPerPiece)) text.append(*line).append("\n");
    if (text.empty() && !quiet) {
      quiet = !co_await wakeup.wait(limits_.heartbeat);
      continue;
    }
    if (text.empty()) text = "\n";  // shows whether the reader is still there
    quiet = false;
    sending = co_await send_piece(std::move(text), chunked);
  }
  constexpr std::string_view kLastChunk = "0\r\n\r\n";
  if (sending && chunked) {
    ::send(stream_.socket().native_handle(), kLastChunk.data(), kLastChunk.size(),
           MSG_DONTWAIT | MSG_NOSIGNAL);
  }
}

asio::awaitable<bool> AdminConnection::send_piece(std::string text, bool chunked) {
  error_code failed;
  stream_.expires_after(limits_.reader);
  const auto body = asio::buffer(text);
  if (chunked) {
    const auto chunk = http::make_chunk(body);
    co_await asio::async_write(stream_, chunk, into(failed));
  } else {
    co_await asio::async_write(stream_, body, into(failed));
  }
  co_return !failed;
}

/// Reads what the peer still sends, for a while: closing over unread bytes would reset the connection, and
/// our last words could be lost.
asio::awaitable<void> AdminConnection::linger() {
  error_code failed;
  stream_.socket().shutdown(asio::socket_base::shutdown_send, failed);
  stream_.expires_after(limits_.linger);
  std::array<char, 4096> ignored;
  for (std::uint64_t seen = 0; !failed && seen < limits_.body;) {
    seen += co_await stream_.async_read_some(asio::buffer(ignored), into(failed));
  }
}

}  // namespace penstock
