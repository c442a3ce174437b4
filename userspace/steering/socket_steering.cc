#include "steering/socket_steering.h"

#include <algorithm>
#include <span>

namespace penstock {

/// A socket, and the way from what it receives to sessions.
class SocketSteering::Port final : private UdpObserver {
 public:
  Port(SocketSteering& owner, std::unique_ptr<BoundUdp> bound)
      : owner_{owner}, socket_{owner.network_.attach(std::move(bound), static_cast<UdpObserver&>(*this))} {}
  UdpSocket& socket() { return *socket_; }

 private:
  void on_datagrams(std::span<const ReceivedDatagram> datagrams) override {
    const bool as_used = owner_.address_ == LocalAddress::kAsUsed;
    SessionPath path{.local = socket_->local(), .remote = {}};
    for (const ReceivedDatagram& datagram : datagrams) {
      if (as_used) path.local.address = datagram.local;
      path.remote = datagram.peer;
      Session* const session = owner_.table_.find(path);
      if (session != nullptr) {
        owner_.observer_.on_datagram(*session, datagram.payload);
      } else {
        owner_.observer_.on_stranger(path, datagram.payload);
      }
    }
  }
  void on_overrun(std::uint64_t datagrams) override {
    owner_.observer_.on_overrun(socket_->local(), datagrams);
  }

  SocketSteering& owner_;
  const std::unique_ptr<UdpSocket> socket_;
};

SocketSteering::SocketSteering(Network& network, SessionTable& table, LocalAddress address,
                               SteeringObserver& observer)
    : network_{network},
      table_{table},
      address_{address},
      observer_{observer},
      staging_{new std::byte[kStaging]} {}

SocketSteering::~SocketSteering() = default;

void SocketSteering::open(std::unique_ptr<BoundUdp> socket) {
  const Endpoint local = socket->local;
  ports_[local] = std::make_unique<Port>(*this, std::move(socket));
}

void SocketSteering::close(const Endpoint& local) {
  flush();
  ports_.erase(local);
}

/// The port bound to just that address, else the one for every address of its family.
SocketSteering::Port* SocketSteering::port_for(const Endpoint& local) const {
  auto found = ports_.find(local);
  if (found == ports_.end()) {
    found = ports_.find({local.address.is_v4() ? IpAddress::v4(0) : IpAddress{}, local.port});
  }
  return found == ports_.end() ? nullptr : found->second.get();
}

Result<Endpoint> SocketSteering::source(std::uint32_t number, const Endpoint& remote) {
  const bool v4 = remote.address.is_v4();
  std::vector<Endpoint>& known = sources_[v4 ? 1 : 0];
  while (known.size() <= number) {
    auto bound = network_.bind_udp({v4 ? IpAddress::v4(0) : IpAddress{}, 0}, 1);
    if (!bound) return bound.error();
    known.push_back(bound->front()->local);
    open(std::move(bound->front()));
  }
  return known[number];
}

std::uint32_t SocketSteering::sources(bool /*v4*/, std::uint32_t most) const {
  return most;
}

void SocketSteering::add(Session& session, const ProxyAddresses& seen) {
  const std::uint32_t index = table_.index_of(session);
  port_of_.reach(index) = port_for(session.path.local);
  if (address_ == LocalAddress::kAsBound) seen_.reach(index) = seen;
}

ProxyAddresses SocketSteering::seen(const Session& session) const {
  if (address_ == LocalAddress::kAsBound) return seen_[table_.index_of(session)];
  return {.client = session.path.remote, .local = session.path.local};
}

void SocketSteering::remove(Session& session) {
  flush();  // the batch may have datagrams of it
  port_of_[table_.index_of(session)] = nullptr;
}

void SocketSteering::send(Session& session, Bytes header, Bytes payload) {
  stage(session, header, payload, true);
}

void SocketSteering::send_header(Session& session, Bytes header) {
  stage(session, header, {}, false);
}

void SocketSteering::stage(Session& session, Bytes header, Bytes payload, bool booked) {
  Port* const port = port_of_[table_.index_of(session)];
  const std::size_t size = header.size() + payload.size();
  if (port != batch_port_ || staged_ == kBatch || staged_bytes_ + size > kStaging) flush();
  batch_port_ = port;
  std::byte* const at = staging_.get() + staged_bytes_;
  std::copy(payload.begin(), payload.end(), std::copy(header.begin(), header.end(), at));
  const bool as_used = address_ == LocalAddress::kAsUsed;
  outgoing_[staged_] = {.peer = session.path.remote,
                        .local = as_used ? session.path.local.address : IpAddress{},
                        .header = {},
                        .payload = {at, size}};
  batch_[staged_] = {.session = &session, .payload = payload.size(), .booked = booked};
  staged_bytes_ += size;
  ++staged_;
}

void SocketSteering::flush() {
  std::size_t done = 0;
  const auto tell = [&](std::size_t count, const boost::system::error_code& outcome) {
    for (const std::size_t end = done + count; done < end; ++done) {
      const Staged& staged = batch_[done];
      if (staged.booked) observer_.on_sent(*staged.session, staged.payload, outcome);
    }
  };
  while (done < staged_) {
    const UdpSent outcome = batch_port_->socket().send({&outgoing_[done], staged_ - done});
    tell(outcome.sent, {});
    if (done < staged_)
      tell(1, outcome.error);  // the one that the system did not take; those behind it may do
  }
  staged_ = 0;
  staged_bytes_ = 0;
}

std::unique_ptr<Steering> SocketSteeringMaker::make(unsigned /*worker*/, Network& network,
                                                    SessionTable& table, SteeringObserver& observer) {
  return std::make_unique<SocketSteering>(network, table, address_, observer);
}

}  // namespace penstock
