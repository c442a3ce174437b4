#include "quic/server_gate.h"

#include <algorithm>

#include "quic/server_tokens.h"

namespace penstock {
namespace {

constexpr ngtcp2_duration kRetryGood = 10 * NGTCP2_SECONDS;
constexpr ngtcp2_duration kAddressGood = 24 * 3600 * NGTCP2_SECONDS;
constexpr unsigned kAnswers = 100;  // resets and refusals in a second
/// A stateless reset looks like a short packet, and is shorter than what it answers, so that two that answer
/// each other come to an end.
constexpr std::size_t kReset = 43;
constexpr std::size_t kAnsweredByReset = 41;
constexpr std::uint32_t kVersions[] = {NGTCP2_PROTO_VER_V1};

}  // namespace

std::optional<LibraryConnection::Admission> ServerGate::admit(const ReceivedDatagram& datagram,
                                                              const ngtcp2_version_cid& ids,
                                                              std::size_t connections) {
  const auto* const packet = library_data(datagram.payload);
  if ((packet[0] & 0x80) == 0) {
    reset_unknown(datagram, ids);
    return std::nullopt;
  }
  LibraryConnection::Admission out;
  if (ngtcp2_accept(&out.header, packet, datagram.payload.size()) != 0 ||
      out.header.type != NGTCP2_PKT_INITIAL) {
    ++report_.ignored;
    return std::nullopt;
  }
  if (!check_token(datagram, out)) {
    turn_away(datagram, out.header, NGTCP2_INVALID_TOKEN);
    return std::nullopt;
  }
  const IpAddress& source = datagram.peer.address;
  if (!accepting_ || connections >= limits_.connections || !has_room_for(source)) {
    ++report_.refused;
    turn_away(datagram, out.header, NGTCP2_CONNECTION_REFUSED);
    return std::nullopt;
  }
  if (out.token.empty() && wants_proof_of(source)) {
    send_retry(datagram, out.header);
    return std::nullopt;
  }
  return out;
}

bool ServerGate::has_room_for(const IpAddress& source) const {
  return handshakes_.total() < limits_.handshakes && handshakes_.of(source) < limits_.handshakes_per_source;
}

bool ServerGate::wants_proof_of(const IpAddress& source) const {
  return handshakes_.total() >= (limits_.handshakes + 1) / 2 ||
         handshakes_.of(source) >= (limits_.handshakes_per_source + 1) / 2;
}

/// False: it has one of a Retry that is not good. Other tokens that are not good count as none.
bool ServerGate::check_token(const ReceivedDatagram& datagram, LibraryConnection::Admission& admission) {
  const Bytes token = token_of(admission.header);
  if (token.empty()) return true;
  const QuicSecret& secret = host_.secret();
  const ngtcp2_addr remote = path_.between({}, datagram.peer).remote;
  const auto* const data = library_data(token);
  if (data[0] == NGTCP2_CRYPTO_TOKEN_MAGIC_RETRY) {
    ngtcp2_cid original{};
    if (ngtcp2_crypto_verify_retry_token(&original, data, token.size(), library_data(Bytes{secret}),
                                         secret.size(), admission.header.version, remote.addr, remote.addrlen,
                                         &admission.header.dcid, kRetryGood, token_time()) != 0)
      return false;
    admission.original = original;
    admission.token = token;
  } else if (data[0] == NGTCP2_CRYPTO_TOKEN_MAGIC_REGULAR &&
             ngtcp2_crypto_verify_regular_token(data, token.size(), library_data(Bytes{secret}),
                                                secret.size(), remote.addr, remote.addrlen, kAddressGood,
                                                token_time()) == 0) {
    admission.token = token;
  }
  return true;
}

void ServerGate::ask_for_proof(const ReceivedDatagram& datagram) {
  ngtcp2_pkt_hd header{};
  if (ngtcp2_accept(&header, library_data(datagram.payload), datagram.payload.size()) == 0)
    send_retry(datagram, header);
}

void ServerGate::send_retry(const ReceivedDatagram& datagram, const ngtcp2_pkt_hd& header) {
  const ngtcp2_cid id = host_.make_id().native();
  const ngtcp2_addr remote = path_.between({}, datagram.peer).remote;
  const QuicSecret& secret = host_.secret();
  std::array<std::uint8_t, NGTCP2_CRYPTO_MAX_RETRY_TOKENLEN> token{};
  const ngtcp2_ssize size = ngtcp2_crypto_generate_retry_token(
      token.data(), library_data(Bytes{secret}), secret.size(), header.version, remote.addr, remote.addrlen,
      &id, &header.dcid, token_time());
  if (size < 0) return;
  const MutableBytes into = host_.batch().room();
  answer(datagram,
         ngtcp2_crypto_write_retry(library_data(into), into.size(), header.version, &header.scid, &id,
                                   &header.dcid, token.data(), static_cast<std::size_t>(size)));
  ++report_.retries;
}

void ServerGate::turn_away(const ReceivedDatagram& datagram, const ngtcp2_pkt_hd& header,
                           std::uint64_t reason) {
  if (!may_answer()) return;
  const MutableBytes into = host_.batch().room();
  answer(datagram, ngtcp2_crypto_write_connection_close(library_data(into), into.size(), header.version,
                                                        &header.scid, &header.dcid, reason, nullptr, 0));
}

/// Only to what can be a first packet, which is never a short one.
void ServerGate::offer_versions(const ReceivedDatagram& datagram, const ngtcp2_version_cid& ids) {
  if (datagram.payload.size() < NGTCP2_MAX_UDP_PAYLOAD_SIZE || !may_answer()) {
    ++report_.ignored;
    return;
  }
  const MutableBytes into = host_.batch().room();
  answer(datagram, ngtcp2_pkt_write_version_negotiation(
                       library_data(into), into.size(), static_cast<std::uint8_t>(random_u64()), ids.scid,
                       ids.scidlen, ids.dcid, ids.dcidlen, kVersions, std::size(kVersions)));
}

void ServerGate::reset_unknown(const ReceivedDatagram& datagram, const ngtcp2_version_cid& ids) {
  const std::size_t size = datagram.payload.size();
  // One that lost its way to another worker is no reason to end a connection that lives there.
  const bool is_ours = ids.dcid[0] % limits_.workers == limits_.worker;
  if (!is_ours || size < kAnsweredByReset || !may_answer()) {
    ++report_.ignored;
    return;
  }
  const ngtcp2_cid id = ConnectionId{library_bytes(ids.dcid, ids.dcidlen)}.native();
  const QuicSecret& secret = host_.secret();
  std::array<std::uint8_t, NGTCP2_STATELESS_RESET_TOKENLEN> token{};
  if (ngtcp2_crypto_generate_stateless_reset_token(token.data(), library_data(Bytes{secret}), secret.size(),
                                                   &id) != 0)
    return;
  std::array<std::byte, kReset> noise{};
  const std::size_t wanted = std::min(size - 1, kReset) - token.size();
  fill_random(noise);
  const MutableBytes into = host_.batch().room();
  answer(datagram, ngtcp2_pkt_write_stateless_reset(library_data(into), into.size(), token.data(),
                                                    library_data(Bytes{noise}), wanted));
  ++report_.stateless_resets;
}

void ServerGate::answer(const ReceivedDatagram& datagram, ngtcp2_ssize size) {
  if (size > 0) host_.batch().add(static_cast<std::size_t>(size), datagram.peer, datagram.local, 0);
}

bool ServerGate::may_answer() {
  if (host_.now() - period_ >= std::chrono::seconds{1}) {
    period_ = host_.now();
    answers_ = 0;
  }
  return answers_++ < kAnswers;
}

}  // namespace penstock
