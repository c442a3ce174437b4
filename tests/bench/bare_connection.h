// One connection of ngtcp2 with as little around it as can be.
#pragma once

#include <poll.h>
#include <sys/resource.h>

#include <array>
#include <memory>
#include <span>
#include <vector>

#include "flowload/report.h"
#include "net/bound_quic.h"
#include "net/bound_udp.h"
#include "net/udp_inbox.h"
#include "net/udp_outbox.h"
#include "quic/connection_id.h"
#include "quic/library_path.h"
#include "quic/quic_session.h"

namespace penstock {

/// What a client sends.
struct Plan {
  Duration span{};
  std::size_t streams = 1;   // in turns of a batch of packets each; none where there are datagrams
  std::size_t datagram = 0;  // bytes of each; 0: streams instead
  std::size_t window = 512;  // datagrams under way, there or back
  std::size_t rate = 0;      // instead of a window, so many a second to a server that swallows them
};

inline constexpr std::size_t kMostStreams = 1000;         // that a client may have
inline constexpr std::size_t kEndless = ~std::size_t{0};  // rate of a client that sends what it may

/// Either end. A server swallows streams, and echoes datagrams or swallows them too.
class BareConnection {
 public:
  /// A server has no plan.
  BareConnection(std::unique_ptr<BoundUdp> bound, QuicTls& tls, const Plan* plan, bool echoes)
      : bound_{std::move(bound)},
        fd_{static_cast<SystemBoundUdp&>(*bound_).fd()},
        outbox_{fd_},
        tls_{tls},
        plan_{plan},
        echoes_{echoes},
        room_{new std::byte[kBatch * kPacket]} {
    if (plan_ != nullptr) owed_ = plan_->rate == 0 ? plan_->window : plan_->rate == kEndless ? kEndless : 0;
  }
  ~BareConnection() {
    if (conn_ != nullptr) ngtcp2_conn_del(conn_);
  }
  BareConnection(const BareConnection&) = delete;
  BareConnection& operator=(const BareConnection&) = delete;

  const Endpoint& local() const { return bound_->local; }
  bool dial(const Endpoint& server) {
    session_ = QuicSession::client(tls_, server, "bench");
    const ngtcp2_cid theirs = fresh_id();
    const ngtcp2_cid own = fresh_id();
    const ngtcp2_settings settings = settings_now();
    const ngtcp2_transport_params parameters = parameters_of_all();
    const ngtcp2_callbacks known = callbacks(false);
    if (session_ == nullptr ||
        ngtcp2_conn_client_new(&conn_, &theirs, &own, &path_.between(local(), server), NGTCP2_PROTO_VER_V1,
                               &known, &settings, &parameters, nullptr, this) != 0)
      return false;
    session_->attach(conn_);
    return true;
  }

  /// Until the time is over (client), or the connection has ended (server).
  void run() {
    while (!ended_ && (plan_ == nullptr || end_ == Time{} || now() < end_)) {
      wait();
      read();
      if (conn_ == nullptr || ended_) continue;
      if (ngtcp2_conn_get_expiry(conn_) <= library_time(now()))
        ended_ = ngtcp2_conn_handle_expiry(conn_, library_time(now())) != 0;
      if (plan_ != nullptr) owe();
      if (!ended_) write();
    }
    if (plan_ != nullptr && !ended_) say_goodbye();
    report();
  }

 private:
  static constexpr Duration kPace =
      std::chrono::microseconds{50};                  // between two sendings of a client with a rate
  static constexpr std::size_t kPacket = 1452;        // UDP payload: Ethernet's, over IPv6 too
  static constexpr std::size_t kBatch = 64;           // packets that are sent together
  static constexpr std::size_t kReads = 4;            // of a batch each, between two writes
  static constexpr std::uint64_t kWindow = 16 << 20;  // bytes that the peer may send ahead
  static constexpr Duration kRest = std::chrono::milliseconds{5};  // the longest wait for a packet
  static constexpr Duration kLost =
      std::chrono::milliseconds{200};  // after which a datagram does not come back

  static Time now() { return Time::clock::now(); }

  /// User and system time of this process, in seconds.
  static double processor_seconds() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval& span) {
      return static_cast<double>(span.tv_sec) + static_cast<double>(span.tv_usec) / 1e6;
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
  }

  static BareConnection& self(void* user) { return *static_cast<BareConnection*>(user); }

  /// What the plan has to send now.
  void owe() {
    if (plan_->rate == 0) {
      if (now() - heard_ > kLost) owed_ = std::max(owed_, plan_->window);
    } else if (plan_->rate != kEndless && established_) {
      const double due = flowload::seconds_of(now() - began_) * static_cast<double>(plan_->rate);
      owed_ = static_cast<std::size_t>(due) - std::min<std::size_t>(static_cast<std::size_t>(due), paid_);
    }
  }
  bool is_paced() const { return plan_ != nullptr && plan_->rate != 0 && plan_->rate != kEndless; }

  void wait() const {
    Duration rest = is_paced() ? kPace : kRest;
    if (conn_ != nullptr) rest = std::min(rest, time_of_library(ngtcp2_conn_get_expiry(conn_)) - now());
    if (rest <= Duration{}) return;
    pollfd waits{.fd = fd_, .events = POLLIN, .revents = 0};
    const auto nanoseconds = std::chrono::duration_cast<std::chrono::nanoseconds>(rest).count();
    const timespec most{.tv_sec = 0, .tv_nsec = nanoseconds};
    ::ppoll(&waits, 1, &most, nullptr);
  }

  void read() {
    UdpInbox& inbox = UdpInbox::of_thread();
    bool more = true;
    for (std::size_t reads = 0; more && reads < kReads && !ended_; ++reads) {
      more = inbox.read(fd_);
      for (auto given = inbox.next(); !given.empty() && !ended_; given = inbox.next()) {
        for (const ReceivedDatagram& each : given) take(each);
      }
    }
  }
  void take(const ReceivedDatagram& packet) {
    const Endpoint to{packet.local, local().port};
    if (ended_ || (conn_ == nullptr && !meet(packet, to))) return;
    const ngtcp2_pkt_info info{.ecn = packet.ecn};
    const Endpoint& from = plan_ != nullptr ? local() : to;
    ended_ =
        ngtcp2_conn_read_pkt(conn_, &path_.between(from, packet.peer), &info, library_data(packet.payload),
                             packet.payload.size(), library_time(now())) != 0;
  }
  bool meet(const ReceivedDatagram& packet, const Endpoint& to) {
    ngtcp2_pkt_hd header{};
    if (plan_ != nullptr || ngtcp2_accept(&header, library_data(packet.payload), packet.payload.size()) != 0)
      return false;
    session_ = QuicSession::server(tls_);
    const ngtcp2_cid own = fresh_id();
    const ngtcp2_settings settings = settings_now();
    ngtcp2_transport_params parameters = parameters_of_all();
    set_original_id(parameters, header.dcid);
    const ngtcp2_callbacks known = callbacks(true);
    if (session_ == nullptr ||
        ngtcp2_conn_server_new(&conn_, &header.scid, &own, &path_.between(to, packet.peer), header.version,
                               &known, &settings, &parameters, nullptr, this) != 0)
      return false;
    session_->attach(conn_);
    return true;
  }

  void write() {
    ngtcp2_path_storage path{};
    ngtcp2_path_storage_zero(&path);
    std::array<OutgoingDatagram, kBatch> batch;
    std::size_t count = 0;
    for (bool more = true; more && count < kBatch;) {
      ngtcp2_pkt_info info{};
      const MutableBytes into{room_.get() + count * kPacket, kPacket};
      const ngtcp2_ssize size = fill(path.path, info, into);
      if (size < 0) ended_ = true;
      if (size <= 0) break;
      const auto bytes = static_cast<std::size_t>(size);
      batch[count++] = {.peer = endpoint_of(path.path.remote),
                        .local = endpoint_of(path.path.local).address,
                        .header = {},
                        .payload = Bytes{into}.first(bytes),
                        .ecn = static_cast<std::uint8_t>(info.ecn)};
    }
    packets_ += count;
    if (count > 0) {
      outbox_.send(std::span{batch}.first(count));
      ++turn_;
    }
    ngtcp2_conn_update_pkt_tx_time(conn_, library_time(now()));
  }
  /// One packet: datagrams as many as go in, or a piece of the stream whose turn it is, or what the
  /// connection itself has to say.
  ngtcp2_ssize fill(ngtcp2_path& path, ngtcp2_pkt_info& info, MutableBytes into) {
    static const std::array<std::byte, 65536> kZeros{};
    const ngtcp2_tstamp at = library_time(now());
    while (established_ && owed_ > 0 && datagram_ > 0) {
      const ngtcp2_vec bytes = library_vec(Bytes{kZeros}.first(datagram_));
      int accepted = 0;
      const ngtcp2_ssize size =
          ngtcp2_conn_writev_datagram(conn_, &path, &info, library_data(into), into.size(), &accepted,
                                      NGTCP2_WRITE_DATAGRAM_FLAG_MORE, 0, &bytes, 1, at);
      if (accepted != 0) {
        ++paid_;
        if (owed_ != kEndless) --owed_;
      }
      if (size != NGTCP2_ERR_WRITE_MORE) return size;
    }
    const ngtcp2_vec bytes = library_vec(kZeros);
    ngtcp2_ssize accepted = 0;
    ngtcp2_ssize size = NGTCP2_ERR_STREAM_DATA_BLOCKED;
    if (!streams_.empty())
      size = ngtcp2_conn_writev_stream(conn_, &path, &info, library_data(into), into.size(), &accepted,
                                       NGTCP2_WRITE_STREAM_FLAG_NONE, streams_[turn_ % streams_.size()],
                                       &bytes, 1, at);
    if (size != NGTCP2_ERR_STREAM_DATA_BLOCKED) return size;
    return ngtcp2_conn_writev_stream(conn_, &path, &info, library_data(into), into.size(), nullptr,
                                     NGTCP2_WRITE_STREAM_FLAG_NONE, -1, nullptr, 0, at);
  }
  void say_goodbye() {
    ngtcp2_path_storage path{};
    ngtcp2_path_storage_zero(&path);
    ngtcp2_pkt_info info{};
    ngtcp2_ccerr why{};
    ngtcp2_ccerr_default(&why);
    const MutableBytes into{room_.get(), kPacket};
    const ngtcp2_ssize size = ngtcp2_conn_write_connection_close(conn_, &path.path, &info, library_data(into),
                                                                 into.size(), &why, library_time(now()));
    if (size <= 0) return;
    const OutgoingDatagram last{.peer = endpoint_of(path.path.remote),
                                .local = {},
                                .header = {},
                                .payload = Bytes{into}.first(static_cast<std::size_t>(size))};
    outbox_.send({&last, 1});
  }
  void report() const {
    flowload::Report{"done"}
        .add("bytes", bytes_)
        .add("datagrams", datagrams_)
        .add("packets", packets_)
        .add("seconds", flowload::seconds_of((plan_ != nullptr ? now() : heard_) - began_))
        .add("processor_seconds", processor_seconds() - processor_)
        .print();
  }

  // What the library tells.
  static int completed(ngtcp2_conn* conn, void* user) {
    BareConnection& end = self(user);
    end.established_ = true;
    end.began_ = end.heard_ = now();
    end.processor_ = processor_seconds();
    if (end.plan_ == nullptr) return 0;
    end.end_ = end.began_ + end.plan_->span;
    end.datagram_ = end.plan_->datagram;
    if (end.datagram_ > 0) return 0;
    end.streams_.resize(end.plan_->streams);
    for (std::int64_t& stream : end.streams_) {
      if (ngtcp2_conn_open_bidi_stream(conn, &stream, nullptr) != 0) return NGTCP2_ERR_CALLBACK_FAILURE;
    }
    return 0;
  }
  static int stream_data(ngtcp2_conn* conn, std::uint32_t /*flags*/, std::int64_t id,
                         std::uint64_t /*offset*/, const std::uint8_t* /*data*/, std::size_t size, void* user,
                         void* /*stream*/) {
    self(user).bytes_ += size;
    self(user).heard_ = now();
    ngtcp2_conn_extend_max_stream_offset(conn, id, size);
    ngtcp2_conn_extend_max_offset(conn, size);
    return 0;
  }
  static int datagram(ngtcp2_conn* /*conn*/, std::uint32_t /*flags*/, const std::uint8_t* /*data*/,
                      std::size_t size, void* user) {
    BareConnection& end = self(user);
    end.bytes_ += size;
    ++end.datagrams_;
    if (end.echoes_) ++end.owed_;
    end.datagram_ = size;
    end.heard_ = now();
    return 0;
  }
  static int new_id(ngtcp2_conn* /*conn*/, ngtcp2_cid* id, std::uint8_t* token, std::size_t size,
                    void* /*user*/) {
    std::array<std::byte, NGTCP2_MAX_CIDLEN> bytes{};
    fill_random(bytes);
    ngtcp2_cid_init(id, library_data(Bytes{bytes}), size);
    fill_random({reinterpret_cast<std::byte*>(token), NGTCP2_STATELESS_RESET_TOKENLEN});
    return 0;
  }
  static void random(std::uint8_t* into, std::size_t size, const ngtcp2_rand_ctx* /*context*/) {
    fill_random({reinterpret_cast<std::byte*>(into), size});
  }

  static ngtcp2_callbacks callbacks(bool server) {
    ngtcp2_callbacks out{};
    out.recv_crypto_data = ngtcp2_crypto_recv_crypto_data_cb;
    out.encrypt = ngtcp2_crypto_encrypt_cb;
    out.decrypt = ngtcp2_crypto_decrypt_cb;
    out.hp_mask = ngtcp2_crypto_hp_mask_cb;
    out.update_key = ngtcp2_crypto_update_key_cb;
    out.delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb;
    out.delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb;
    out.get_path_challenge_data = ngtcp2_crypto_get_path_challenge_data_cb;
    out.version_negotiation = ngtcp2_crypto_version_negotiation_cb;
    if (server) {
      out.recv_client_initial = ngtcp2_crypto_recv_client_initial_cb;
    } else {
      out.client_initial = ngtcp2_crypto_client_initial_cb;
      out.recv_retry = ngtcp2_crypto_recv_retry_cb;
    }
    out.rand = random;
    out.get_new_connection_id = new_id;
    out.handshake_completed = completed;
    out.recv_stream_data = stream_data;
    out.recv_datagram = datagram;
    return out;
  }
  static ngtcp2_cid fresh_id() {
    std::array<std::byte, kConnectionId> bytes{};
    fill_random(bytes);
    return ConnectionId{bytes}.native();
  }
  static ngtcp2_settings settings_now() {
    ngtcp2_settings out{};
    ngtcp2_settings_default(&out);
    out.initial_ts = library_time(now());
    out.cc_algo = NGTCP2_CC_ALGO_CUBIC;
    out.max_tx_udp_payload_size = kPacket;
    out.no_tx_udp_payload_size_shaping = 0;
    return out;
  }
  static ngtcp2_transport_params parameters_of_all() {
    ngtcp2_transport_params out{};
    ngtcp2_transport_params_default(&out);
    out.initial_max_data = out.initial_max_stream_data_bidi_remote = kWindow;
    out.initial_max_streams_bidi = kMostStreams;
    out.max_idle_timeout = library_span(std::chrono::seconds{2});
    out.max_datagram_frame_size = 65535;
    return out;
  }

  const std::unique_ptr<BoundUdp> bound_;
  const int fd_;
  UdpOutbox outbox_;
  QuicTls& tls_;
  const Plan* const plan_;  // null: a server's
  const bool echoes_;
  const std::unique_ptr<std::byte[]> room_;
  std::unique_ptr<QuicSession> session_;
  ngtcp2_conn* conn_ = nullptr;
  LibraryPath path_;
  std::vector<std::int64_t> streams_;
  std::size_t turn_ = 0;      // batches of packets that were sent
  std::size_t datagram_ = 0;  // bytes of each
  std::size_t owed_ = 0;      // datagrams to be sent
  std::size_t paid_ = 0;      // ... that were
  bool established_ = false;
  bool ended_ = false;
  Time began_{}, heard_{}, end_{};
  double processor_ = 0;
  std::uint64_t bytes_ = 0, datagrams_ = 0;  // received
  std::uint64_t packets_ = 0;                // sent
};

}  // namespace penstock
