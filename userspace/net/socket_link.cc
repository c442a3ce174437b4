#include "net/socket_link.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cerrno>
#include <chrono>

#include "net/asio_network.h"
#include "net/plain_socket.h"

namespace penstock {
namespace {

using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;

int seconds(Duration duration) {
  return static_cast<int>(std::chrono::ceil<std::chrono::seconds>(duration).count());
}

void apply(int fd, const LinkOptions& options) {
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  if (options.unsent_limit > 0)
    set_option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, static_cast<int>(options.unsent_limit));
  if (options.keepalive == Duration{}) return;
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, seconds(options.keepalive));
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, seconds(options.keepalive_interval));
  set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, options.keepalive_probes);
  // The same patience for a peer that vanishes with data on its way to it, where probes are not sent.
  const auto patience = options.keepalive + options.keepalive_interval * options.keepalive_probes;
  set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT,
             static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(patience).count()));
}

IoResult outcome(ssize_t count) {
  if (count > 0) return {static_cast<std::size_t>(count), IoStatus::kDone, {}};
  if (count == 0) return {0, IoStatus::kEnd, {}};
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return {0, IoStatus::kBlocked, {}};
  return {0, IoStatus::kFailed, {errno, boost::system::system_category()}};
}

}  // namespace

struct SocketLink::State {
  explicit State(boost::asio::io_context& context) : socket{context} {}
  Socket socket;
  int fd = -1;
  LinkObserver* observer = nullptr;
  bool waiting_to_read = false;
  bool waiting_to_write = false;
  bool waiting_to_fail = false;
};

SocketLink::SocketLink(boost::asio::io_context& context, FileDescriptor socket, const LinkOptions& options) {
  apply(socket.get(), options);
  state_ = state_for(context, std::move(socket));
}

std::shared_ptr<SocketLink::State> SocketLink::state_for(boost::asio::io_context& context,
                                                         FileDescriptor socket) {
  auto state = std::make_shared<State>(context);
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &length);
  state->fd = socket.get();
  boost::system::error_code failed;
  state->socket.assign(
      address.ss_family == AF_INET6 ? boost::asio::ip::tcp::v6() : boost::asio::ip::tcp::v4(), socket.get(),
      failed);
  if (!failed) socket.release();  // otherwise closed here, and every call on the link fails
  return state;
}

void SocketLink::leave() {
  state_->observer = nullptr;
  boost::system::error_code failed;
  const int fd = state_->socket.release(failed);  // what was waited for is cancelled
  if (!failed) parked_ = FileDescriptor{fd};
  state_.reset();
}

void SocketLink::join(Network& network) {
  state_ = state_for(static_cast<AsioNetwork&>(network).context(), std::move(parked_));
}

SocketLink::~SocketLink() {
  if (state_ == nullptr) return;
  state_->observer = nullptr;
  boost::system::error_code ignored;
  state_->socket.close(ignored);
}

void SocketLink::observe(LinkObserver* observer) {
  state_->observer = observer;
}

void SocketLink::await_readable() {
  if (std::exchange(state_->waiting_to_read, true)) return;
  state_->socket.async_wait(Socket::wait_read, [state = state_](const boost::system::error_code&) {
    state->waiting_to_read = false;
    if (state->observer != nullptr) state->observer->on_readable();
  });
}

void SocketLink::await_writable() {
  if (std::exchange(state_->waiting_to_write, true)) return;
  state_->socket.async_wait(Socket::wait_write, [state = state_](const boost::system::error_code&) {
    state->waiting_to_write = false;
    if (state->observer != nullptr) state->observer->on_writable();
  });
}

void SocketLink::await_failure() {
  if (std::exchange(state_->waiting_to_fail, true)) return;
  state_->socket.async_wait(Socket::wait_error, [state = state_](const boost::system::error_code&) {
    state->waiting_to_fail = false;
    if (state->observer == nullptr) return;
    int failed = 0;
    socklen_t length = sizeof failed;
    ::getsockopt(state->fd, SOL_SOCKET, SO_ERROR, &failed, &length);
    if (failed != 0) state->observer->on_broken({failed, boost::system::system_category()});
  });
}

IoResult SocketLink::read(MutableBytes into) {
  return outcome(::recv(state_->fd, into.data(), into.size(), 0));
}

IoResult SocketLink::write(Bytes from, bool more) {
  return outcome(::send(state_->fd, from.data(), from.size(), MSG_NOSIGNAL | (more ? MSG_MORE : 0)));
}

void SocketLink::finish() {
  ::shutdown(state_->fd, SHUT_WR);
}

void SocketLink::reset_on_close() {
  const linger now{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(state_->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

}  // namespace penstock
