#include "steering/kernel_steering.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "steering/abi_values.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kHeadersV4 = 20 + 8;
constexpr std::size_t kHeadersV6 = 40 + 8;
/// For so long after a session was added, datagrams of it may wait where what has no session yet is found.
constexpr Duration kSettling = 100ms;
/// A device that is full is waited for this long at most in a batch: what it holds is gone in microseconds.
constexpr std::chrono::milliseconds kWait = 2ms;
constexpr unsigned kWaits = 8;

pst_frame_out head_of(const Session& session, bool to_backend, Bytes header, Bytes payload) {
  return {.id = htonl(session.id.value()),
          .length = htons(static_cast<std::uint16_t>(payload.size())),
          .flags = static_cast<__u8>((to_backend ? PST_FRAME_TO_BACKEND : 0) |
                                     (header.empty() ? 0 : PST_FRAME_PROXY)),
          .zero = 0};
}

Bytes bytes_of(const pst_frame_out& head) {
  return {reinterpret_cast<const std::byte*>(&head), sizeof head};
}

}  // namespace

/// The steering socket, or the lane's link.
class KernelSteering::Frames final : private UdpObserver {
 public:
  Frames(KernelSteering& owner, Network& network, std::unique_ptr<BoundUdp> bound)
      : owner_{owner}, socket_{network.attach(std::move(bound), static_cast<UdpObserver&>(*this))} {}
  UdpSocket& socket() { return *socket_; }

 private:
  void on_datagrams(std::span<const ReceivedDatagram> frames) override;
  void on_overrun(std::uint64_t datagrams) override {
    owner_.observer_.on_overrun(socket_->local(), datagrams);
  }
  void on_damaged(std::size_t bytes) override {
    const std::size_t head = std::min(bytes, sizeof(pst_frame_in));
    owner_.observer_.on_lost(PST_R_MALFORMED, bytes - head);
  }

  KernelSteering& owner_;
  const std::unique_ptr<UdpSocket> socket_;
};

/// A socket that gets datagrams as they were sent.
class KernelSteering::Whole final : private UdpObserver {
 public:
  Whole(KernelSteering& owner, Network& network, std::unique_ptr<BoundUdp> bound)
      : owner_{owner}, socket_{network.attach(std::move(bound), static_cast<UdpObserver&>(*this))} {}
  UdpSocket& socket() { return *socket_; }

 private:
  void on_datagrams(std::span<const ReceivedDatagram> datagrams) override {
    for (const ReceivedDatagram& datagram : datagrams) owner_.on_whole(datagram);
  }
  void on_overrun(std::uint64_t datagrams) override {
    owner_.observer_.on_overrun(socket_->local(), datagrams);
  }

  KernelSteering& owner_;
  const std::unique_ptr<UdpSocket> socket_;
};

KernelSteering::KernelSteering(Parts parts, Network& network, SessionTable& table, SteeringObserver& observer)
    : parts_{std::move(parts)},
      table_{table},
      observer_{observer},
      spares_{network},
      frames_{std::make_unique<Frames>(*this, network, std::move(parts_.sockets.steering))},
      whole_v4_{std::make_unique<Whole>(*this, network, std::move(parts_.sockets.whole_v4))},
      batch_frames_{frames_.get()},
      staging_{new std::byte[kStaging]} {
  if (parts_.sockets.link != nullptr)
    link_ = std::make_unique<Frames>(*this, network, std::move(parts_.sockets.link));
  if (parts_.sockets.whole_v6 != nullptr)
    whole_v6_ = std::make_unique<Whole>(*this, network, std::move(parts_.sockets.whole_v6));
}

KernelSteering::~KernelSteering() = default;

void KernelSteering::open(std::unique_ptr<BoundUdp> /*socket*/) {
  std::abort();
}

void KernelSteering::close(const Endpoint& /*local*/) {
  flush();
}

// ---------------------------------------------------------------------------------------------- in

/// What came before the session was there waits in another socket, and goes first.
void KernelSteering::Frames::on_datagrams(std::span<const ReceivedDatagram> frames) {
  if (Clock::now() < owner_.last_added_ + kSettling) {
    owner_.whole_v4_->socket().poll();
    if (owner_.whole_v6_ != nullptr) owner_.whole_v6_->socket().poll();
  }
  for (const ReceivedDatagram& frame : frames) owner_.on_frame(frame);
}

void KernelSteering::on_frame(const ReceivedDatagram& frame) {
  if (frame.peer != parts_.virtual_end || frame.payload.size() < sizeof(pst_frame_in))
    return observer_.on_lost(PST_R_FORGED, frame.payload.size());
  pst_frame_in header{};
  std::memcpy(&header, frame.payload.data(), sizeof header);
  const Bytes payload = frame.payload.subspan(sizeof header);
  const std::uint32_t id = ntohl(header.id);
  const auto found = table_.find(SessionId::from(id & ~PST_FRAME_FROM_BACKEND));
  if (found.session != nullptr && (id & PST_FRAME_FROM_BACKEND) != 0)
    return on_answer(*found.session, payload);
  if (found.session != nullptr) return observer_.on_datagram(*found.session, payload);
  observer_.on_lost(PST_R_STALE_SESSION, payload.size());
}

void KernelSteering::on_whole(const ReceivedDatagram& datagram) {
  const SessionPath path{.local = {datagram.local, datagram.local_port}, .remote = datagram.peer};
  Session* const session = table_.find(path);
  if (session != nullptr) return observer_.on_datagram(*session, datagram.payload);
  observer_.on_stranger(path, datagram.payload);
}

// ---------------------------------------------------------------------------------------------- sessions

Result<Endpoint> KernelSteering::source(std::uint32_t number, const Endpoint& remote) {
  const KernelHops::Hop hop = parts_.hops.to_backend(remote.address);
  if (!hop.reachable) return error(Errc::kUnavailable, "no route to " + remote.address.to_string());
  if (hop.local && remote.address.is_v4()) return parts_.sources.local(number);
  const std::uint16_t port = parts_.sources.port(number);
  parts_.ports.claim_source(port, parts_.lane);
  return Endpoint{hop.source, port};
}

std::uint32_t KernelSteering::sources(bool /*v4*/, std::uint32_t most) const {
  return std::min(most, parts_.sources.count());
}

std::optional<std::uint32_t> KernelSteering::claim(const Endpoint& source, const Endpoint& backend) {
  const KernelHops::Hop hop = parts_.hops.to_backend(backend.address);
  const bool local = hop.local && backend.address.is_v4();
  const auto number = parts_.sources.number_of(source, local);
  if (number && !local) parts_.ports.claim_source(source.port, parts_.lane);
  return number;
}

void KernelSteering::adopt(const std::function<bool(const Left&)>& take) {
  const std::uint32_t end = std::min(table_.first_slot() + table_.capacity(), parts_.maps.slots());
  for (std::uint32_t slot = table_.first_slot(); slot < end; ++slot) {
    const pst_session entry = parts_.maps.at(slot);
    if (entry.id == 0 || take_over(slot, entry, take)) continue;
    const bool edge = parts_.side == Side::kClient;
    parts_.maps.withdraw(slot, edge ? path_of(from_abi(entry.client, entry.client_port),
                                              from_abi(entry.local, entry.local_port))
                                    : path_of(from_abi(entry.backend, entry.backend_port),
                                              from_abi(entry.source, entry.source_port)));
  }
  parts_.hops.forget_before();
}

bool KernelSteering::take_over(std::uint32_t slot, const pst_session& entry,
                               const std::function<bool(const Left&)>& take) {
  if (SessionId::from(entry.id).slot() != slot) return false;
  Left left = parts_.side == Side::kClient ? left_by_edge(entry) : left_by_hub(entry);
  left.id = SessionId::from(entry.id);
  left.seen = {.client = from_abi(entry.client, entry.client_port),
               .local = from_abi(entry.local, entry.local_port)};
  return take(left);
}

Steering::Left KernelSteering::left_by_edge(const pst_session& entry) const {
  Left left{.path = {.local = from_abi(entry.local, entry.local_port),
                     .remote = from_abi(entry.client, entry.client_port)}};
  if ((entry.flags & PST_SESSION_DIRECT) == 0) return left;
  left.route = direct_route_of(entry);
  return left;
}

Steering::Left KernelSteering::left_by_hub(const pst_session& entry) {
  Left left{.path = {.local = from_abi(entry.source, entry.source_port),
                     .remote = from_abi(entry.backend, entry.backend_port)}};
  const pst_session_origin& origin = entry.origin;
  if (origin.instance == 0 || (entry.flags & PST_SESSION_TRANSPARENT) != 0) return left;
  left.origin = {
      .edge = origin.edge, .instance = origin.instance, .wire_id = origin.wire_id, .carrier = origin.carrier};
  left.source = claim(left.path.local, left.path.remote);
  return left;
}

pst_session KernelSteering::entry_of(const Session& session, const ProxyAddresses& seen,
                                     std::uint16_t hop) const {
  pst_session entry{.id = session.id.value(),
                    .lane = parts_.lane,
                    .client = to_abi(seen.client.address),
                    .local = to_abi(seen.local.address),
                    .client_port = htons(seen.client.port),
                    .local_port = htons(seen.local.port)};
  if (parts_.side == Side::kClient) {
    entry.client_hop = hop;
    entry.service = parts_.ports.service(session.path.local.port, true);
    return entry;
  }
  entry.backend_hop = hop;
  entry.source = to_abi(session.path.local.address);
  entry.source_port = htons(session.path.local.port);
  entry.backend = to_abi(session.path.remote.address);
  entry.backend_port = htons(session.path.remote.port);
  return entry;
}

KernelSteering::Extra& KernelSteering::new_extra(const Session& session) {
  Extra& known = extras_.reach(table_.index_of(session));
  known = {.way = way_to(session.path.remote.address, parts_.side == Side::kBackend),
           .epoch = parts_.hops.epoch()};
  return known;
}

void KernelSteering::add(Session& session, const ProxyAddresses& seen) {
  const Extra& known = new_extra(session);
  last_added_ = Clock::now();
  // Without room in the map, all its datagrams come to the sockets, as the first did.
  static_cast<void>(parts_.maps.publish(session.id.slot(), entry_of(session, seen, known.way.hop),
                                        path_of(session.path.remote, session.path.local),
                                        parts_.side == Side::kBackend));
}

/// The map has it for the programs.
ProxyAddresses KernelSteering::seen(const Session& session) const {
  const pst_session& entry = parts_.maps.at(session.id.slot());
  return {.client = from_abi(entry.client, entry.client_port),
          .local = from_abi(entry.local, entry.local_port)};
}

void KernelSteering::remember(const Session& session, const SessionOrigin& origin) {
  parts_.maps.set_origin(session.id.slot(), {.edge = origin.edge,
                                             .instance = origin.instance,
                                             .wire_id = origin.wire_id,
                                             .carrier = origin.carrier});
}

void KernelSteering::remove(Session& session) {
  flush();  // the batch may have datagrams of it
  parts_.maps.withdraw(session.id.slot(), path_of(session.path.remote, session.path.local));
}

// ---------------------------------------------------------------------------------------------- out

void KernelSteering::send(Session& session, Bytes header, Bytes payload) {
  stage(session, header, payload, true);
}

void KernelSteering::send_header(Session& session, Bytes header) {
  stage(session, header, {}, false);
}

/// Whether the programs can send it: by a known way, as one packet, within one frame.
bool KernelSteering::fits(const WayOut& way, const IpAddress& to, std::size_t header,
                          std::size_t payload) const {
  if (way.hop == 0 || !parts_.hops.usable(way.hop)) return false;
  return (to.is_v4() ? kHeadersV4 : kHeadersV6) + header + payload <= way.mtu &&
         kHeadersV4 + sizeof(pst_frame_out) + payload <= parts_.longest_frame;
}

void KernelSteering::stage(Session& session, Bytes header, Bytes payload, bool booked) {
  Extra& known = extra(session);
  renew_ways(session, known);
  const bool alone = payload.size() > kLongestShared;  // or all others might be made as long
  if (fits(known.way, session.path.remote.address, header.size(), payload.size())) {
    batch_by(known.way.by_link ? *link_ : *frames_);
    if (alone) flush();
    put(session, parts_.side == Side::kBackend, header, payload, booked);
    if (alone) flush();
    return;
  }
  flush();  // what came before it leaves before it
  // The client's end of a direct session, which is what this steering sends to, is as of any other.
  const bool transparent = (flags_of(session) & PST_SESSION_TRANSPARENT) != 0 && !is_direct(session);
  const auto outcome = send_spare(session.path.local, session.path.remote, header, payload, transparent);
  if (booked) observer_.on_sent(session, payload.size(), outcome);
}

void KernelSteering::put(Session& session, bool to_backend, Bytes header, Bytes payload, bool booked) {
  if (staged_ == kBatch || staged_bytes_ + payload.size() > kStaging) flush();
  pst_frame_out& frame = frame_headers_[staged_];
  frame = head_of(session, to_backend, header, payload);
  std::byte* const at = staging_.get() + staged_bytes_;
  std::copy(payload.begin(), payload.end(), at);
  outgoing_[staged_] = {
      .peer = parts_.virtual_end, .local = {}, .header = bytes_of(frame), .payload = {at, payload.size()}};
  batch_[staged_] = {.session = &session, .payload = payload.size(), .booked = booked};
  longest_ = std::max(longest_, payload.size());
  staged_bytes_ += payload.size();
  ++staged_;
}

/// What is staged from here on leaves by these frames.
void KernelSteering::batch_by(Frames& frames) {
  if (batch_frames_ == &frames) return;
  flush();
  batch_frames_ = &frames;
}

/// Where the steering device is full, the programs behind it are what is waited for, so many times in a
/// batch.
UdpSent KernelSteering::send_frames(std::span<const OutgoingDatagram> frames, unsigned& waits) {
  UdpSent all;
  for (;;) {
    const UdpSent outcome = batch_frames_->socket().send(frames.subspan(all.sent));
    all = {.sent = all.sent + outcome.sent, .error = outcome.error};
    const bool full = outcome.error == boost::system::errc::resource_unavailable_try_again;
    if (all.sent == frames.size() || !full || waits == 0) return all;
    --waits;
    batch_frames_->socket().wait_for_room(kWait);
  }
}

/// Sends the batch's only frame.
boost::system::error_code KernelSteering::send_only() {
  unsigned waits = kWaits;
  const UdpSent outcome = send_frames({outgoing_.data(), 1}, waits);
  staged_ = staged_bytes_ = longest_ = 0;
  return outcome.error;
}

boost::system::error_code KernelSteering::send_spare(const Endpoint& from, const Endpoint& to, Bytes header,
                                                     Bytes payload, bool transparent) {
  spare_bytes_.assign(header.begin(), header.end());
  spare_bytes_.insert(spare_bytes_.end(), payload.begin(), payload.end());
  return spares_.send(from, {.peer = to, .local = {}, .payload = spare_bytes_}, transparent);
}

/// Those to the steering device are made as long as the longest, so that they leave as one run, which the
/// device cuts up.
void KernelSteering::flush() {
  for (std::size_t i = 0; i < staged_; ++i) outgoing_[i].padding = longest_ - outgoing_[i].payload.size();
  std::size_t done = 0;
  unsigned waits = kWaits;
  const auto tell = [&](std::size_t count, const boost::system::error_code& outcome) {
    for (const std::size_t end = done + count; done < end; ++done) {
      const Staged& staged = batch_[done];
      if (staged.booked) observer_.on_sent(*staged.session, staged.payload, outcome);
    }
  };
  while (done < staged_) {
    const UdpSent outcome = send_frames({&outgoing_[done], staged_ - done}, waits);
    tell(outcome.sent, {});
    if (done < staged_) tell(1, outcome.error);
  }
  staged_ = staged_bytes_ = longest_ = 0;
}

}  // namespace penstock
