#include "quic/quic_session.h"

#include <gnutls/crypto.h>
#include <gnutls/x509.h>

#include "net/certificate.h"

namespace penstock {
namespace {

std::string to_string(const gnutls_datum_t& datum) {
  return {reinterpret_cast<const char*>(datum.data), datum.size};
}

}  // namespace

std::unique_ptr<QuicSession> QuicSession::server(QuicTls& tls) {
  std::unique_ptr<QuicSession> made{new QuicSession{tls, {}}};
  // A ticket waits for the end of the handshake, where the library has keys for it.
  if (!made->set_up(GNUTLS_SERVER | GNUTLS_NO_AUTO_SEND_TICKET) || !made->set_up_server()) return nullptr;
  return made;
}

std::unique_ptr<QuicSession> QuicSession::client(QuicTls& tls, const Endpoint& server,
                                                 const std::string& name) {
  std::unique_ptr<QuicSession> made{new QuicSession{tls, {server, name}}};
  if (!made->set_up(GNUTLS_CLIENT) || !made->set_up_client()) return nullptr;
  return made;
}

QuicSession::QuicSession(QuicTls& tls, QuicMemories::Key server)
    : tls_{*tls.native_}, server_{std::move(server)} {
  ref_.get_conn = connection_of;
  ref_.user_data = this;
}

QuicSession::~QuicSession() {
  if (session_ != nullptr) gnutls_deinit(session_);
}

bool QuicSession::set_up(unsigned role) {
  if (gnutls_init(&session_, role | GNUTLS_NO_END_OF_EARLY_DATA) != 0) {
    session_ = nullptr;
    return false;
  }
  gnutls_session_set_ptr(session_, &ref_);
  const gnutls_datum_t protocol{.data = reinterpret_cast<unsigned char*>(tls_.protocol.data()),
                                .size = static_cast<unsigned>(tls_.protocol.size())};
  return gnutls_priority_set(session_, tls_.priority) == 0 &&
         gnutls_credentials_set(session_, GNUTLS_CRD_CERTIFICATE, tls_.credentials) == 0 &&
         gnutls_alpn_set_protocols(session_, &protocol, 1, GNUTLS_ALPN_MANDATORY) == 0;
}

bool QuicSession::set_up_server() {
  return ngtcp2_crypto_gnutls_configure_server_session(session_) == 0 &&
         gnutls_session_ticket_enable_server(session_, &tls_.ticket_key) == 0;
}

/// Who resumes is not verified again: a ticket is used only under the trust and the name that it was got
/// with.
bool QuicSession::set_up_client() {
  if (ngtcp2_crypto_gnutls_configure_client_session(session_) != 0) return false;
  const std::string& name = server_.second;
  // One that cannot be told is still the one that is verified.
  if (!name.empty() && !IpAddress::parse(name))
    gnutls_server_name_set(session_, GNUTLS_NAME_DNS, name.data(), name.size());
  if (tls_.trust == QuicTrust::kPins) gnutls_session_set_verify_function(session_, verify_pin);
  if (tls_.trust == QuicTrust::kAuthority) gnutls_session_set_verify_cert(session_, name.c_str(), 0);
  gnutls_handshake_set_hook_function(session_, GNUTLS_HANDSHAKE_NEW_SESSION_TICKET, GNUTLS_HOOK_POST,
                                     on_ticket);
  memory_ = tls_.memories.take(server_);
  // One that cannot be read any more only makes the handshake longer.
  if (!memory_.ticket.empty())
    gnutls_session_set_data(session_, memory_.ticket.data(), memory_.ticket.size());
  return true;
}

void QuicSession::attach(ngtcp2_conn* conn) {
  conn_ = conn;
  ngtcp2_conn_set_tls_native_handle(conn, session_);
}

void QuicSession::keep_token(Bytes token) {
  constexpr std::size_t kLongest = 512;
  if (token.size() <= kLongest) tls_.memories.keep_token(server_, std::string{as_text(token)});
}

void QuicSession::send_ticket() const {
  gnutls_session_ticket_send(session_, 1, 0);
}

std::string QuicSession::why_refused() const {
  if (refused_key_) return not_pinned(*refused_key_);
  if (tls_.trust != QuicTrust::kAuthority || gnutls_certificate_get_peers(session_, nullptr) == nullptr)
    return {};
  const unsigned verdict = gnutls_session_get_verify_cert_status(session_);
  gnutls_datum_t text{};
  if (verdict == 0 || gnutls_certificate_verification_status_print(verdict, GNUTLS_CRT_X509, &text, 0) != 0)
    return verdict == 0 ? "" : "its certificate cannot be verified";
  std::string out = to_string(text);
  gnutls_free(text.data);
  return out.substr(0, out.find_last_not_of(' ') + 1);
}

std::string QuicSession::cipher() const {
  const char* const name = gnutls_cipher_get_name(gnutls_cipher_get(session_));
  return name == nullptr ? "" : name;
}

/// Looks at all pins, so that the time tells nothing.
bool QuicSession::is_pinned(const PublicKeyHash& key) const {
  bool found = false;
  for (const PublicKeyHash& pin : tls_.pins) found |= gnutls_memcmp(key.data(), pin.data(), key.size()) == 0;
  return found;
}

QuicSession& QuicSession::of(gnutls_session_t session) {
  return *static_cast<QuicSession*>(
      static_cast<ngtcp2_crypto_conn_ref*>(gnutls_session_get_ptr(session))->user_data);
}

ngtcp2_conn* QuicSession::connection_of(ngtcp2_crypto_conn_ref* ref) {
  return static_cast<QuicSession*>(ref->user_data)->conn_;
}

int QuicSession::verify_pin(gnutls_session_t session) {
  QuicSession& self = of(session);
  unsigned count = 0;
  const gnutls_datum_t* const chain = gnutls_certificate_get_peers(session, &count);
  gnutls_x509_crt_t leaf = nullptr;
  if (chain == nullptr || count == 0 || gnutls_x509_crt_init(&leaf) != 0) return GNUTLS_E_CERTIFICATE_ERROR;
  PublicKeyHash key{};
  std::size_t size = key.size();
  const bool known = gnutls_x509_crt_import(leaf, &chain[0], GNUTLS_X509_FMT_DER) == 0 &&
                     gnutls_x509_crt_get_key_id(leaf, GNUTLS_KEYID_USE_SHA256,
                                                reinterpret_cast<unsigned char*>(key.data()), &size) == 0 &&
                     size == key.size();
  gnutls_x509_crt_deinit(leaf);
  if (known && self.is_pinned(key)) return 0;
  if (known) self.refused_key_ = key;
  return GNUTLS_E_CERTIFICATE_ERROR;
}

int QuicSession::on_ticket(gnutls_session_t session, unsigned /*type*/, unsigned /*when*/, unsigned incoming,
                           const gnutls_datum_t* /*message*/) {
  gnutls_datum_t ticket{};
  if (incoming == 0 || gnutls_session_get_data2(session, &ticket) != 0) return 0;
  QuicSession& self = of(session);
  self.tls_.memories.keep_ticket(self.server_, to_string(ticket));
  gnutls_free(ticket.data);
  return 0;
}

}  // namespace penstock
