#include "quic/quic_engine.h"

#include <algorithm>
#include <new>

#include "quic/quic_handle.h"

namespace penstock {
namespace {

constexpr Duration kCongested = std::chrono::milliseconds{1};  // until the system is tried again
constexpr Duration kSoonest = std::chrono::microseconds{20};   // of the timer
constexpr std::size_t kShortestReset = 21;                     // bytes (RFC 9000, 10.3)
constexpr std::size_t kMostOffered = 16;                       // connections that look at a packet of none

}  // namespace

/// A turn: from what woke the endpoint until all is written that came of it.
class QuicEngine::Wake {
 public:
  explicit Wake(QuicEngine& engine) : engine_{engine.shared_from_this()} {
    ++engine_->awake_;
    engine_->now_ = std::max(engine_->now_, engine_->loop_.now());
  }
  ~Wake() {
    engine_->write_waiting();
    if (--engine_->awake_ > 0) return;
    engine_->retired_.clear();
    if (engine_->ended_) {
      engine_->finish();
    } else {
      engine_->arm();
    }
  }
  Wake(const Wake&) = delete;
  Wake& operator=(const Wake&) = delete;

 private:
  const std::shared_ptr<QuicEngine> engine_;  // which nobody else may have any more when the turn ends
};

QuicEngine::QuicEngine(Loop& loop, Network& network, std::unique_ptr<BoundUdp> socket,
                       const QuicSettings& settings, const std::optional<QuicServing>& serving)
    : loop_{loop},
      settings_{settings},
      serving_{serving},
      now_{loop.now()},
      socket_{network.attach(std::move(socket), *this)},
      batch_{*socket_},
      timer_{loop.make_timer([this] { on_timer(); })} {
  if (serving_) {
    secret_ = QuicSession::secret_of(serving_->tls);
    ConnectionHost& host = *this;
    gate_.emplace(host, serving_->limits, report_);
  } else {
    fill_random(secret_);
  }
}

void QuicEngine::end() {
  ended_ = true;
  if (awake_ == 0) finish();
}

/// What was to be said to peers before is said.
void QuicEngine::finish() {
  batch_.send();
  for (const auto& each : connections_) each->set_retired();
  timer_.reset();
  socket_.reset();
}

std::unique_ptr<QuicConnection> QuicEngine::dial(const Endpoint& to, std::uint8_t steer, QuicTls& tls,
                                                 const std::string& server_name, QuicObserver& observer) {
  now_ = std::max(now_, loop_.now());
  auto made = LibraryConnection::dial(*this, tls, steer, server_name, socket_->local(), to);
  if (made == nullptr) throw std::bad_alloc{};
  auto handle = std::make_unique<QuicHandle>(*made, to, socket_->local(), false);
  handle->observe(&observer);
  write_soon(*made);
  keep(std::move(made));
  return handle;
}

void QuicEngine::set_limits(const QuicLimits& limits) {
  if (gate_) gate_->set_limits(limits);
}

void QuicEngine::stop_accepting() {
  if (gate_) gate_->stop_accepting();
}

ConnectionId QuicEngine::make_id() {
  std::array<std::byte, kConnectionId> bytes{};
  fill_random(bytes);
  if (serving_ && serving_->limits.workers > 1) {
    const unsigned workers = serving_->limits.workers;
    const unsigned round = std::to_integer<unsigned>(bytes[0]) % (256 / workers);
    bytes[0] = static_cast<std::byte>(round * workers + serving_->limits.worker);
  }
  return ConnectionId{bytes};
}

void QuicEngine::add_id(const ConnectionId& id, LibraryConnection& connection) {
  ids_.emplace(id, &connection);
}

void QuicEngine::write_soon(LibraryConnection& connection) {
  if (!connection.retired() && !std::exchange(connection.waits_to_write, true))
    waiting_.push_back(&connection);
  if (awake_ == 0) wake_soon();
}

void QuicEngine::on_handshake_complete(LibraryConnection& connection) {
  if (gate_) gate_->finished(connection.source);
}

void QuicEngine::keep(std::unique_ptr<LibraryConnection> connection) {
  connection->index = connections_.size();
  set_expiry(*connection, connection->expiry());
  connections_.push_back(std::move(connection));
}

/// It stays as an object until the turn ends, since it may have a call under way.
void QuicEngine::retire(LibraryConnection& connection, ConnectionRemains remains) {
  if (connection.retired()) return;
  connection.set_retired();
  if (gate_ && !connection.established()) gate_->finished(connection.source);
  for (const ConnectionId& id : remains.ids) {
    LibraryConnection* const* const known = ids_.find(id);
    if (known != nullptr && *known == &connection) ids_.erase(id);
  }
  closed_.add(std::move(remains), now_);
  if (connection.has_expiry) expiries_.erase(connection.expiry_place);
  connection.has_expiry = false;
  std::erase(read_, &connection);
  std::erase(waiting_, &connection);
  std::replace(writing_.begin(), writing_.end(), &connection, static_cast<LibraryConnection*>(nullptr));
  const std::size_t index = connection.index;
  std::swap(connections_[index], connections_.back());
  connections_[index]->index = index;
  retired_.push_back(std::move(connections_.back()));
  connections_.pop_back();
  if (awake_ == 0) wake_soon();
}

void QuicEngine::on_overrun(std::uint64_t /*datagrams*/) {}

void QuicEngine::on_datagrams(std::span<const ReceivedDatagram> datagrams) {
  if (ended_) return;
  const Wake wake{*this};
  for (const ReceivedDatagram& each : datagrams) {
    if (!ended_) receive(each);
  }
  tell_turn_ends();
}

void QuicEngine::receive(const ReceivedDatagram& datagram) {
  if (datagram.payload.empty()) return;
  ngtcp2_version_cid ids{};
  const int wrong = ngtcp2_pkt_decode_version_cid(&ids, library_data(datagram.payload),
                                                  datagram.payload.size(), kConnectionId);
  if (wrong == NGTCP2_ERR_VERSION_NEGOTIATION && gate_) return gate_->offer_versions(datagram, ids);
  if (wrong != 0) {
    ++report_.ignored;
    return;
  }
  const ConnectionId id{library_bytes(ids.dcid, ids.dcidlen)};
  if (LibraryConnection* const* const known = ids_.find(id)) return read(**known, datagram);
  if (closed_.knows(id)) {
    const Bytes answer = closed_.answer_for(id, datagram.payload.size());
    if (answer.empty()) return;
    std::copy(answer.begin(), answer.end(), batch_.room().begin());
    return batch_.add(answer.size(), datagram.peer, gate_ ? datagram.local : IpAddress{}, 0);
  }
  if (gate_) return meet(datagram, ids);
  offer_to_peers(datagram);
}

/// A client's paths are those of its socket: which of its addresses the system takes is not its business.
Endpoint QuicEngine::local_of(const ReceivedDatagram& datagram) const {
  if (!gate_) return socket_->local();
  return {datagram.local, socket_->local().port};
}

void QuicEngine::read(LibraryConnection& connection, const ReceivedDatagram& datagram) {
  if (!std::exchange(connection.was_read, true)) read_.push_back(&connection);
  const bool began = connection.read(datagram.payload, local_of(datagram), datagram.peer, datagram.ecn);
  if (!gate_) connection.tell_local({datagram.local, socket_->local().port});
  if (!began && gate_) gate_->ask_for_proof(datagram);
  if (!connection.retired()) write_soon(connection);
}

/// A server that forgot us says so in a packet to an id that nobody knows.
void QuicEngine::offer_to_peers(const ReceivedDatagram& datagram) {
  ++report_.ignored;
  const bool is_long = std::to_integer<unsigned>(datagram.payload[0] & std::byte{0x80}) != 0;
  if (is_long || datagram.payload.size() < kShortestReset) return;
  std::size_t offered = 0;
  for (std::size_t i = connections_.size(); i-- > 0 && offered < kMostOffered && !ended_;) {
    if (i >= connections_.size() || connections_[i]->peer() != datagram.peer) continue;
    read(*connections_[i], datagram);
    ++offered;
  }
}

void QuicEngine::meet(const ReceivedDatagram& datagram, const ngtcp2_version_cid& ids) {
  const auto admission = gate_->admit(datagram, ids, connections_.size());
  if (!admission) return;
  const Endpoint local = local_of(datagram);
  auto made = LibraryConnection::accept(*this, serving_->tls, *admission, local, datagram.peer);
  if (made == nullptr) {
    ++report_.ignored;
    return;
  }
  LibraryConnection& connection = *made;
  auto handle = std::make_unique<QuicHandle>(connection, datagram.peer, local, true);
  keep(std::move(made));
  connection.source = datagram.peer.address;
  gate_->begun(connection.source);
  ++report_.accepted;
  serving_->observer.on_connection(std::move(handle));
  if (ended_) return;
  if (connection.retired()) return gate_->turn_away(datagram, admission->header, NGTCP2_CONNECTION_REFUSED);
  read(connection, datagram);
}

void QuicEngine::tell_turn_ends() {
  while (!read_.empty() && !ended_) {
    LibraryConnection* const connection = read_.back();
    read_.pop_back();
    connection->was_read = false;
    connection->tell_turn_end();
  }
}

void QuicEngine::on_timer() {
  armed_ = kNever;
  const Wake wake{*this};
  expire_due();
  closed_.forget_until(now_);
}

void QuicEngine::expire_due() {
  for (std::size_t most = connections_.size(); most > 0 && !expiries_.empty() && !ended_; --most) {
    const auto [at, connection] = *expiries_.begin();
    if (at > now_) return;
    connection->expire();
    if (!connection->retired()) set_expiry(*connection, std::max(connection->expiry(), now_ + kSoonest));
  }
}

/// All that asked, once. What is not done then waits for another turn, behind the others of the loop.
void QuicEngine::write_waiting() {
  if (now_ >= room_again_) writing_.swap(waiting_);
  for (std::size_t i = 0; i < writing_.size() && !ended_; ++i) {
    LibraryConnection* const connection = std::exchange(writing_[i], nullptr);
    if (connection == nullptr) continue;
    connection->waits_to_write = false;
    const bool more = connection->write();
    if (connection->retired()) continue;
    set_expiry(*connection, connection->expiry());
    if (more) write_soon(*connection);
  }
  writing_.clear();
  batch_.send();
  if (batch_.take_congestion()) room_again_ = now_ + kCongested;
  if (!waiting_.empty() && now_ >= room_again_) wake_soon();
}

/// The tree's nodes are used again: nothing is allocated for a deadline that moves.
void QuicEngine::set_expiry(LibraryConnection& connection, Time at) {
  if (connection.has_expiry) {
    if (connection.expiry_place->first == at) return;
    auto node = expiries_.extract(connection.expiry_place);
    node.value().first = at;
    connection.expiry_place = expiries_.insert(std::move(node)).position;
  } else {
    connection.expiry_place = expiries_.emplace(at, &connection).first;
    connection.has_expiry = true;
  }
}

void QuicEngine::wake_soon() {
  if (std::exchange(posted_, true)) return;
  loop_.post([self = weak_from_this()] {
    const auto engine = self.lock();
    if (engine == nullptr || engine->ended_) return;
    engine->posted_ = false;
    const Wake wake{*engine};
  });
}

void QuicEngine::arm() {
  Time next = std::min(expiries_.empty() ? kNever : expiries_.begin()->first, closed_.next());
  if (!waiting_.empty() && now_ < room_again_) next = std::min(next, room_again_);
  if (next == kNever) return;
  next = std::max(next, now_ + kSoonest);
  if (next >= armed_) return;
  armed_ = next;
  timer_->arm(next);
}

}  // namespace penstock
