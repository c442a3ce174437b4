#include "admin/server.h"

#include <sys/socket.h>

#include <boost/asio/steady_timer.hpp>
#include <utility>

#include "admin/connection.h"

namespace penstock {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::chrono::milliseconds kAcceptPause{100};

/// Counts one connection for as long as its coroutine lives.
struct Counted {
  explicit Counted(std::size_t& open) : count{open} { ++count; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --count; }
  std::size_t& count;
};

void add_routes(Router& router, EventLog& log) {
  router.add("GET", "/live", [](const AdminRequest&, AdminReply reply) { reply.json({{"live", true}}); });
  router.add("GET", "/v1/events", [&log](const AdminRequest& request, AdminReply reply) {
    AdminResponse response;
    response.content_type = "application/x-ndjson";
    const std::string* follow = request.query("follow");
    if (follow != nullptr && *follow != "0" && *follow != "1")
      return reply.error(400, "\"follow\" must be 0 or 1");
    response.follow_events = follow != nullptr && *follow == "1";
    if (!response.follow_events) {
      for (const auto& line : log.kept()) response.body.append(*line).append("\n");
    }
    reply(std::move(response));
  });
}

}  // namespace

AdminServer::AdminServer(asio::io_context& io, Router& router, EventLog& log, AdminLimits limits)
    : io_{io}, router_{router}, log_{log}, limits_{limits}, tasks_{io.get_executor()} {
  add_routes(router, log);
}

AdminServer::~AdminServer() = default;

Result<void> AdminServer::listen_unix(const std::string& path) {
  auto opened = UnixListener::open(path);
  if (!opened) return std::move(opened).error();
  files_.push_back(*std::move(opened));
  return listen(files_.back().take_socket(), AF_UNIX, AdminAudience::kOperators);
}

Result<Endpoint> AdminServer::listen_http(const Endpoint& endpoint) {
  auto socket = open_tcp_listener(endpoint);
  if (!socket) return std::move(socket).error();
  sockaddr_storage bound{};
  socklen_t length = sizeof bound;
  if (getsockname(socket->get(), reinterpret_cast<sockaddr*>(&bound), &length) != 0) {
    return system_error("asking for the address of admin.http", errno);
  }
  auto done = listen(*std::move(socket), bound.ss_family, AdminAudience::kEveryone);
  if (!done) return std::move(done).error();
  return Endpoint::from_sockaddr(reinterpret_cast<const sockaddr*>(&bound));
}

Result<void> AdminServer::listen(FileDescriptor socket, int family, AdminAudience audience) {
  Listener& listener = listeners_.emplace_back(io_, audience);
  error_code failed;
  listener.acceptor.assign(Stream{family, 0}, socket.get(), failed);
  if (failed) return Error{failed, "handing a listener to the loop: " + failed.message()};
  socket.release();
  tasks_.spawn(accept(listener));
  return {};
}

void AdminServer::stop() {
  for (Listener& listener : listeners_) {
    error_code ignored;
    listener.acceptor.close(ignored);
  }
  files_.clear();
  tasks_.cancel();
}

asio::awaitable<void> AdminServer::accept(Listener& listener) {
  asio::steady_timer pause{io_};
  for (;;) {
    Stream::socket socket{io_};
    error_code failed;
    co_await listener.acceptor.async_accept(socket, into(failed));
    if (failed) {  // out of descriptors is a bad moment, not the end
      pause.expires_after(kAcceptPause);
      co_await pause.async_wait(into(failed));
    } else if (listener.open < limits_.connections) {
      tasks_.spawn(serve(listener, std::move(socket)));
    }
  }
}

asio::awaitable<void> AdminServer::serve(Listener& listener, Stream::socket socket) {
  const Counted counted{listener.open};
  AdminConnection connection{std::move(socket), listener.audience, router_, log_, limits_};
  co_await connection.run();
}

}  // namespace penstock
