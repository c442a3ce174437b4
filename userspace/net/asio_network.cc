#include "net/asio_network.h"

#include <sys/socket.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <set>

#include "base/file_descriptor.h"
#include "net/asio_udp.h"
#include "net/bound_quic.h"
#include "net/bound_udp.h"
#include "net/bound_udp_link.h"
#include "net/plain_socket.h"
#include "net/socket_link.h"
#include "net/tls_link.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;
using Descriptor = boost::asio::posix::stream_descriptor;
using boost::system::error_code;

constexpr int kBacklog = 4096;
constexpr int kAcceptBatch = 64;  // connections taken before other work of the loop gets its turn
constexpr Duration kAcceptPause =
    100ms;  // after a failed accept: out of descriptors is a bad moment, not the end

error_code last_error() {
  return {errno, boost::system::system_category()};
}

class SocketConnection final : public Connection {
 public:
  explicit SocketConnection(FileDescriptor socket) : socket_{std::move(socket)} {}
  void refuse() override {
    const linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  FileDescriptor take() { return std::move(socket_); }

 private:
  FileDescriptor socket_;
};

std::unique_ptr<Connection> connection_of(FileDescriptor socket) {
  const int fd = socket.get();
  auto connection = std::make_unique<SocketConnection>(std::move(socket));
  connection->peer = name_of(fd, ::getpeername);
  connection->local = name_of(fd, ::getsockname);
  return connection;
}

/// Waits for a descriptor outside of Asio's own sockets; its handler keeps the state alive, the owner only
/// marks it.
class Dial final : public Pending {
 public:
  Dial(boost::asio::io_context& context, FileDescriptor socket, Network::Dialled done)
      : state_{std::make_shared<State>(context, std::move(socket), std::move(done))} {
    state_->descriptor.async_wait(Descriptor::wait_write, [state = state_](const error_code&) {
      if (!state->done) return;
      const auto finished = std::exchange(state->done, nullptr);
      finished(state->outcome());
    });
  }
  ~Dial() override {
    state_->done = nullptr;
    error_code ignored;
    if (state_->descriptor.is_open()) state_->descriptor.close(ignored);
  }

 private:
  struct State {
    State(boost::asio::io_context& context, FileDescriptor socket, Network::Dialled d)
        : descriptor{context, socket.release()}, done{std::move(d)} {}
    Result<std::unique_ptr<Connection>> outcome() {
      FileDescriptor socket{descriptor.release()};
      int failed = 0;
      socklen_t length = sizeof failed;
      ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &failed, &length);
      if (failed != 0) return system_error("cannot connect", failed);
      return connection_of(std::move(socket));
    }
    Descriptor descriptor;
    Network::Dialled done;
  };
  std::shared_ptr<State> state_;
};

/// A failure that is known at once, told on the next turn of the loop.
class Failure final : public Pending {
 public:
  Failure(Loop& loop, Error error, Network::Dialled done)
      : done_{std::make_shared<Network::Dialled>(std::move(done))} {
    loop.post([weak = std::weak_ptr<Network::Dialled>{done_}, error = std::move(error)] {
      if (const auto still_wanted = weak.lock()) (*still_wanted)(error);
    });
  }

 private:
  std::shared_ptr<Network::Dialled> done_;
};

class Lookup final : public Pending {
 public:
  Lookup(boost::asio::io_context& context, const std::string& host, Network::Resolved done)
      : state_{std::make_shared<State>(context, std::move(done))} {
    state_->resolver.async_resolve(host, "", [state = state_](const error_code& error, const auto& results) {
      if (!state->done) return;
      const auto finished = std::exchange(state->done, nullptr);
      finished(addresses(error, results));
    });
  }
  ~Lookup() override {
    state_->done = nullptr;
    state_->resolver.cancel();
  }

 private:
  using Resolver = boost::asio::ip::tcp::resolver;
  struct State {
    State(boost::asio::io_context& context, Network::Resolved d) : resolver{context}, done{std::move(d)} {}
    Resolver resolver;
    Network::Resolved done;
  };
  static Result<std::vector<IpAddress>> addresses(const error_code& failed,
                                                  const Resolver::results_type& results) {
    if (failed) return Error{failed, failed.message()};
    std::vector<IpAddress> out;
    std::set<IpAddress> seen;
    for (const auto& entry : results) {
      const auto found = entry.endpoint();
      const IpAddress address = Endpoint::from_sockaddr(found.data()).address;
      if (seen.insert(address).second) out.push_back(address);
    }
    return out;
  }
  std::shared_ptr<State> state_;
};

/// Accepts in batches until destroyed.
class Listener final : public Pending {
 public:
  Listener(boost::asio::io_context& context, FileDescriptor socket, ListenerObserver& observer)
      : state_{std::make_shared<State>(context, std::move(socket), observer)} {
    wait(state_);
  }
  ~Listener() override {
    state_->observer = nullptr;
    error_code ignored;
    state_->descriptor.close(ignored);
    state_->pause.cancel();
  }

 private:
  struct State {
    State(boost::asio::io_context& context, FileDescriptor socket, ListenerObserver& o)
        : descriptor{context, socket.release()}, pause{context}, observer{&o} {}
    Descriptor descriptor;
    boost::asio::steady_timer pause;
    ListenerObserver* observer;
  };

  static void wait(const std::shared_ptr<State>& state) {
    state->descriptor.async_wait(Descriptor::wait_read, [state](const error_code& error) {
      if (!error && state->observer != nullptr) accept(state);
    });
  }

  static void accept(const std::shared_ptr<State>& state) {
    for (int taken = 0; taken < kAcceptBatch; ++taken) {
      FileDescriptor socket{
          ::accept4(state->descriptor.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
      if (!socket) {
        if (errno == EAGAIN || errno == EWOULDBLOCK) break;
        if (errno == ECONNABORTED || errno == EINTR || errno == EPROTO) continue;
        return pause(state, last_error());
      }
      const bool scarce = is_reserved(socket);
      auto connection = connection_of(std::move(socket));
      if (scarce) {
        connection->refuse();
        return pause(state, {EMFILE, boost::system::system_category()});
      }
      state->observer->on_connection(std::move(connection));
      if (state->observer == nullptr) return;
    }
    wait(state);
  }

  static void pause(const std::shared_ptr<State>& state, const error_code& why) {
    state->observer->on_accept_failed(why);
    if (state->observer == nullptr) return;
    state->pause.expires_after(kAcceptPause);
    state->pause.async_wait([state](const error_code& error) {
      if (!error && state->observer != nullptr) accept(state);
    });
  }

  std::shared_ptr<State> state_;
};

}  // namespace

std::unique_ptr<Link> AsioNetwork::attach(std::unique_ptr<Connection> connection,
                                          const LinkOptions& options) {
  return std::make_unique<SocketLink>(loop_.context(), static_cast<SocketConnection&>(*connection).take(),
                                      options);
}

std::unique_ptr<Link> AsioNetwork::secure(std::unique_ptr<Connection> connection, const LinkOptions& options,
                                          TlsContext& context, const std::string& server_name) {
  return std::make_unique<TlsLink>(attach(std::move(connection), options), context, server_name);
}

std::unique_ptr<Pending> AsioNetwork::dial(const Endpoint& to, Dialled done) {
  auto socket = make_socket(to, SOCK_STREAM);
  if (!socket) return std::make_unique<Failure>(loop_, socket.error(), std::move(done));
  sockaddr_storage address{};
  const socklen_t length = to.to_sockaddr(address);
  if (::connect(socket->get(), reinterpret_cast<const sockaddr*>(&address), length) != 0 &&
      errno != EINPROGRESS) {
    return std::make_unique<Failure>(loop_, system_error("cannot connect", errno), std::move(done));
  }
  return std::make_unique<Dial>(loop_.context(), std::move(*socket), std::move(done));
}

std::unique_ptr<Pending> AsioNetwork::resolve(const std::string& host, Resolved done) {
  return std::make_unique<Lookup>(loop_.context(), host, std::move(done));
}

Result<std::unique_ptr<Pending>> AsioNetwork::listen(const Endpoint& on, ListenerObserver& observer) {
  auto socket = make_socket(on, SOCK_STREAM);
  if (!socket) return socket.error();
  set_option(socket->get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (!bind_socket(*socket, on) || ::listen(socket->get(), kBacklog) != 0) {
    return system_error("cannot listen on " + on.to_string(), errno);
  }
  return std::unique_ptr<Pending>{std::make_unique<Listener>(loop_.context(), std::move(*socket), observer)};
}

std::unique_ptr<Pending> AsioNetwork::accept_from(FileDescriptor listener, ListenerObserver& observer) {
  return std::make_unique<Listener>(loop_.context(), std::move(listener), observer);
}

Result<std::vector<std::unique_ptr<BoundUdp>>> AsioNetwork::bind_udp(const Endpoint& on, unsigned count) {
  return bind_udp_sockets(on, count);
}

Result<std::vector<std::unique_ptr<BoundUdp>>> AsioNetwork::bind_quic(const Endpoint& on, unsigned count) {
  return bind_quic_sockets(on, count);
}

std::unique_ptr<UdpSocket> AsioNetwork::attach(std::unique_ptr<BoundUdp> socket, UdpObserver& observer) {
  if (auto* const link = dynamic_cast<BoundUdpLink*>(socket.get())) return link->attach(udp_, observer);
  return std::make_unique<AsioUdpSocket>(udp_, static_cast<SystemBoundUdp&>(*socket).take(), socket->local,
                                         observer);
}

}  // namespace penstock
