#include "quic/quic_tls.h"

#include <gnutls/crypto.h>

#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "quic/tls_native.h"

namespace penstock {
namespace {

/// AES-128 first: the fastest where the processor helps; ChaCha20 for those without.
constexpr const char* kPriority =
    "%DISABLE_TLS13_COMPAT_MODE:NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM:+CHACHA20-POLY1305:"
    "+AES-256-GCM:-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1";
constexpr std::size_t kTicketKey = 64;  // bytes; what GnuTLS wants

Error tls_error(std::string_view doing, int code) {
  return error(Errc::kInvalid, gnutls_strerror(code)).within(doing);
}

/// GnuTLS only reads it.
gnutls_datum_t datum(std::string_view text) {
  return {.data = reinterpret_cast<unsigned char*>(const_cast<char*>(text.data())),
          .size = static_cast<unsigned>(text.size())};
}

/// The same for a server that starts again with the same secret and certificate, so that its tickets stay
/// good; another certificate ends them.
bool make_ticket_key(gnutls_datum_t& out, const QuicSecret& secret, const std::string& certificate_pem) {
  std::string from{"penstock tickets"};
  from.append(as_text(secret)).append(certificate_pem);
  out.data = static_cast<unsigned char*>(gnutls_malloc(kTicketKey));
  if (out.data == nullptr) return false;
  out.size = kTicketKey;
  const bool made = gnutls_hash_fast(GNUTLS_DIG_SHA512, from.data(), from.size(), out.data) == 0;
  gnutls_memset(from.data(), 0, from.size());
  return made;
}

}  // namespace

QuicTls::Native::~Native() {
  if (credentials != nullptr) gnutls_certificate_free_credentials(credentials);
  if (priority != nullptr) gnutls_priority_deinit(priority);
  if (ticket_key.data != nullptr) gnutls_memset(ticket_key.data, 0, ticket_key.size);
  gnutls_free(ticket_key.data);
  gnutls_memset(secret.data(), 0, secret.size());
}

QuicTls::QuicTls(std::unique_ptr<Native> native) : native_{std::move(native)} {}
QuicTls::~QuicTls() = default;

Result<std::unique_ptr<QuicTls::Native>> QuicTls::make(QuicTrust trust) {
  auto native = std::make_unique<Native>(trust);
  int failed = gnutls_priority_init2(&native->priority, kPriority, nullptr, 0);
  if (failed == 0) failed = gnutls_certificate_allocate_credentials(&native->credentials);
  if (failed != 0) return tls_error("cannot make a TLS context for QUIC", failed);
  return native;
}

Result<std::unique_ptr<QuicTls>> QuicTls::server(const std::string& certificate_pem,
                                                 const std::string& key_pem, const QuicSecret& secret) {
  auto native = make(QuicTrust::kServer);
  if (!native) return native.error();
  const gnutls_datum_t certificate = datum(certificate_pem);
  const gnutls_datum_t key = datum(key_pem);
  const int failed = gnutls_certificate_set_x509_key_mem2((*native)->credentials, &certificate, &key,
                                                          GNUTLS_X509_FMT_PEM, nullptr, 0);
  if (failed < 0) return tls_error("certificate and key cannot be used for QUIC", failed);
  (*native)->secret = secret;
  if (!make_ticket_key((*native)->ticket_key, secret, certificate_pem))
    return error(Errc::kUnavailable, "cannot make a key for TLS tickets");
  return std::unique_ptr<QuicTls>{new QuicTls{std::move(*native)}};
}

Result<std::unique_ptr<QuicTls>> QuicTls::client_pinned(std::vector<PublicKeyHash> pins) {
  auto native = make(QuicTrust::kPins);
  if (!native) return native.error();
  (*native)->pins = std::move(pins);
  return std::unique_ptr<QuicTls>{new QuicTls{std::move(*native)}};
}

Result<std::unique_ptr<QuicTls>> QuicTls::client_ca(const std::string& ca_pem) {
  auto native = make(QuicTrust::kAuthority);
  if (!native) return native.error();
  const gnutls_datum_t authority = datum(ca_pem);
  const int count =
      gnutls_certificate_set_x509_trust_mem((*native)->credentials, &authority, GNUTLS_X509_FMT_PEM);
  if (count < 0) return tls_error("the CA cannot be used for QUIC", count);
  if (count == 0) return error(Errc::kInvalid, "there is no CA certificate in the PEM text");
  return std::unique_ptr<QuicTls>{new QuicTls{std::move(*native)}};
}

Result<std::unique_ptr<QuicTls>> QuicTls::client_unverified() {
  auto native = make(QuicTrust::kEverybody);
  if (!native) return native.error();
  return std::unique_ptr<QuicTls>{new QuicTls{std::move(*native)}};
}

QuicMemory QuicMemories::take(const Key& server) {
  const std::lock_guard lock{mutex_};
  const auto found = known_.find(server);
  if (found == known_.end()) return {};
  QuicMemory out = std::move(found->second);
  known_.erase(found);
  return out;
}

void QuicMemories::keep_ticket(const Key& server, std::string ticket) {
  const std::lock_guard lock{mutex_};
  of(server).ticket = std::move(ticket);
}

void QuicMemories::keep_token(const Key& server, std::string token) {
  const std::lock_guard lock{mutex_};
  of(server).token = std::move(token);
}

/// Forgetting costs a round trip or a signature, so any may go when there are too many.
QuicMemory& QuicMemories::of(const Key& server) {
  if (!known_.contains(server) && known_.size() >= kMost) known_.erase(known_.begin());
  return known_[server];
}

}  // namespace penstock
