// How connections of both kinds begin.
#include <algorithm>

#include "quic/library_callbacks.h"
#include "quic/library_connection.h"

namespace penstock {
namespace {

constexpr std::size_t kLongestPacket = 1452;  // UDP payload: Ethernet's, over IPv6 too
/// Bytes of all streams that the library may hold until what comes before them arrives. What it has delivered
/// does not count: that is bounded by the windows of streams and by whoever has it.
constexpr std::uint64_t kUndelivered = 16 << 20;
constexpr std::uint64_t kLongestDatagram = 65535;  // frames that we take
constexpr std::uint64_t kIds = 7;                  // of the peer's, that we keep

ngtcp2_cc_algo algorithm_of(QuicCongestion congestion) {
  switch (congestion) {
    case QuicCongestion::kBbr:
      return kLibraryBbr;
    case QuicCongestion::kCubic:
      return NGTCP2_CC_ALGO_CUBIC;
    case QuicCongestion::kReno:
      return NGTCP2_CC_ALGO_RENO;
  }
  return NGTCP2_CC_ALGO_CUBIC;
}

ngtcp2_settings settings_of(const QuicSettings& own, Time now) {
  ngtcp2_settings out{};
  ngtcp2_settings_default(&out);
  out.initial_ts = library_time(now);
  out.cc_algo = algorithm_of(own.congestion);
  out.max_tx_udp_payload_size = kLongestPacket;
  out.no_pmtud = 0;
  out.no_tx_udp_payload_size_shaping = 0;
  out.handshake_timeout = library_span(own.handshake);
  out.max_window = 0;
  out.max_stream_window = 0;
  return out;
}

ngtcp2_transport_params parameters_of(const QuicSettings& own) {
  ngtcp2_transport_params out{};
  ngtcp2_transport_params_default(&out);
  out.initial_max_data = kUndelivered;
  out.initial_max_stream_data_bidi_local = own.stream_window;
  out.initial_max_stream_data_bidi_remote = own.stream_window;
  out.initial_max_streams_bidi = own.streams;
  out.initial_max_streams_uni = 0;
  out.max_idle_timeout = library_span(own.idle);
  out.max_datagram_frame_size = kLongestDatagram;
  out.active_connection_id_limit = kIds;
  return out;
}

/// An id that the server is addressed by until it has given us one of its own.
ngtcp2_cid first_id(std::uint8_t steer) {
  std::array<std::byte, kConnectionId> bytes{};
  fill_random(bytes);
  bytes[0] = std::byte{steer};
  return ConnectionId{bytes}.native();
}

}  // namespace

std::unique_ptr<LibraryConnection> LibraryConnection::accept(ConnectionHost& host, QuicTls& tls,
                                                             const Admission& admission,
                                                             const Endpoint& local, const Endpoint& peer) {
  auto session = QuicSession::server(tls);
  if (session == nullptr) return nullptr;
  std::unique_ptr<LibraryConnection> made{new LibraryConnection{host, std::move(session), peer}};
  const ngtcp2_pkt_hd& header = admission.header;
  const ConnectionId id = host.make_id();
  const ngtcp2_cid own = id.native();
  const ngtcp2_callbacks callbacks = library_callbacks(true);
  ngtcp2_settings settings = settings_of(host.settings(), host.now());
  if (!admission.token.empty()) set_token(settings, admission.token, admission.original.has_value());
  ngtcp2_transport_params parameters = parameters_of(host.settings());
  parameters.initial_max_streams_bidi = std::min(host.settings().first_streams, host.settings().streams);
  made->withheld_streams_ = host.settings().streams - parameters.initial_max_streams_bidi;
  set_original_id(parameters, admission.original.value_or(header.dcid));
  if (admission.original) {
    parameters.retry_scid = header.dcid;
    parameters.retry_scid_present = 1;
  }
  parameters.stateless_reset_token_present = 1;
  const QuicSecret& secret = host.secret();
  ngtcp2_conn* conn = nullptr;
  if (ngtcp2_crypto_generate_stateless_reset_token(parameters.stateless_reset_token,
                                                   library_data(Bytes{secret}), secret.size(), &own) != 0 ||
      ngtcp2_conn_server_new(&conn, &header.scid, &own, &made->path_.between(local, peer), header.version,
                             &callbacks, &settings, &parameters, nullptr, made.get()) != 0)
    return nullptr;
  made->start(conn);
  made->ids_ = {id, ConnectionId{header.dcid}};
  for (const ConnectionId& each : made->ids_) host.add_id(each, *made);
  return made;
}

std::unique_ptr<LibraryConnection> LibraryConnection::dial(ConnectionHost& host, QuicTls& tls,
                                                           std::uint8_t steer, const std::string& name,
                                                           const Endpoint& local, const Endpoint& peer) {
  auto session = QuicSession::client(tls, peer, name);
  if (session == nullptr) return nullptr;
  std::unique_ptr<LibraryConnection> made{new LibraryConnection{host, std::move(session), peer}};
  const ngtcp2_cid first = first_id(steer);
  const ConnectionId id = host.make_id();
  const ngtcp2_cid own = id.native();
  const ngtcp2_callbacks callbacks = library_callbacks(false);
  ngtcp2_settings settings = settings_of(host.settings(), host.now());
  const Bytes token = made->session_->token();
  if (!token.empty()) set_token(settings, token, false);
  const ngtcp2_transport_params parameters = parameters_of(host.settings());
  ngtcp2_conn* conn = nullptr;
  if (ngtcp2_conn_client_new(&conn, &first, &own, &made->path_.between(local, peer), NGTCP2_PROTO_VER_V1,
                             &callbacks, &settings, &parameters, nullptr, made.get()) != 0)
    return nullptr;
  made->start(conn);
  made->ids_ = {id};
  host.add_id(id, *made);
  return made;
}

void LibraryConnection::start(ngtcp2_conn* conn) {
  conn_ = conn;
  session_->attach(conn);
  if (host_.settings().keep_alive > Duration::zero())
    ngtcp2_conn_set_keep_alive_timeout(conn, library_span(host_.settings().keep_alive));
}

}  // namespace penstock
