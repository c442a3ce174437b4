#include "net/tls_context.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/bytes.h"
#include "net/certificate.h"

namespace penstock {
namespace {

/// AES-128 first: the fastest where the processor helps; ChaCha20 for those without.
constexpr const char* kCiphers = "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384";
/// A server's tickets are its own alone.
constexpr std::array<unsigned char, 8> kTicketsAreOf{'p', 'e', 'n', 's', 't', 'o', 'c', 'k'};
/// Four records a read.
constexpr std::size_t kReadAhead = 4 * (16384 + 256);

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

Bio bio_of(const std::string& text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free};
}

Error tls_error(std::string_view doing) {
  return error(Errc::kInvalid, openssl_errors()).within(doing);
}

/// OpenSSL would ask for the passphrase on the terminal and wait.
int no_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*context*/) {
  return 0;
}

int verify_pin(X509_STORE_CTX* store, void* context) {
  X509* const certificate = X509_STORE_CTX_get0_cert(store);
  const auto hash = public_key_hash(certificate);
  const auto& pins = static_cast<const TlsContext*>(context)->pins();
  const bool trusted = hash && std::any_of(pins.begin(), pins.end(), [&](const PublicKeyHash& pin) {
                         return equal_constant_time(pin, *hash);
                       });
  if (trusted) return 1;
  X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_UNTRUSTED);
  const auto* const connection =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  if (void* const refused = SSL_get_ex_data(connection, TlsContext::kRefusedKey))
    *static_cast<std::optional<PublicKeyHash>*>(refused) = hash;
  return 0;
}

}  // namespace

std::string openssl_errors() {
  std::string out;
  std::array<char, 256> text{};
  while (const unsigned long code = ERR_get_error()) {
    ERR_error_string_n(code, text.data(), text.size());
    out += (out.empty() ? "" : "; ") + std::string{text.data()};
  }
  return out.empty() ? "no detail" : out;
}

Result<std::unique_ptr<TlsContext>> TlsContext::make(bool server) {
  SSL_CTX* const native = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
  if (native == nullptr) return tls_error("cannot make a TLS context");
  std::unique_ptr<TlsContext> context{new TlsContext{native, server}};
  SSL_CTX_set_min_proto_version(native, TLS1_3_VERSION);
  SSL_CTX_set_ciphersuites(native, kCiphers);
  SSL_CTX_set1_groups_list(native, "X25519:P-256");
  SSL_CTX_set_mode(native, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_read_ahead(native, 1);
  SSL_CTX_set_default_read_buffer_len(native, kReadAhead);
  if (server) {
    SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);  // tickets hold all there is to know
    SSL_CTX_set_session_id_context(native, kTicketsAreOf.data(), kTicketsAreOf.size());
    SSL_CTX_set_num_tickets(native, 1);
  } else {
    context->accept_tickets();
  }
  return context;
}

void TlsContext::accept_tickets() {
  SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_set_ex_data(context_, 0, this);
  SSL_CTX_sess_set_new_cb(context_, keep_ticket);
}

/// Owns the ticket from here on.
int TlsContext::keep_ticket(SSL* connection, SSL_SESSION* ticket) {
  auto& self = *static_cast<TlsContext*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(connection), 0));
  const std::lock_guard lock{self.tickets_};
  SSL_SESSION_free(std::exchange(self.ticket_, ticket));
  return 1;
}

void TlsContext::offer_ticket(SSL* connection) {
  SSL_SESSION* ticket = nullptr;
  {
    const std::lock_guard lock{tickets_};
    ticket = std::exchange(ticket_, nullptr);
  }
  if (ticket == nullptr) return;
  SSL_set_session(connection, ticket);
  SSL_SESSION_free(ticket);
}

Result<std::unique_ptr<TlsContext>> TlsContext::server(const std::string& certificate_pem,
                                                       const std::string& key_pem) {
  auto context = make(true);
  if (!context) return context;
  SSL_CTX* const native = (*context)->native();
  const Bio chain = bio_of(certificate_pem);
  bool leaf = true;
  for (;;) {
    Certificate certificate{PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr), X509_free};
    if (certificate == nullptr) break;
    if (leaf ? SSL_CTX_use_certificate(native, certificate.get()) != 1
             : SSL_CTX_add1_chain_cert(native, certificate.get()) != 1) {
      return tls_error("the certificate cannot be used");
    }
    leaf = false;
  }
  if (leaf) return tls_error("there is no certificate in the PEM text");
  ERR_clear_error();
  const Bio key_bio = bio_of(key_pem);
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key{
      PEM_read_bio_PrivateKey(key_bio.get(), nullptr, no_passphrase, nullptr), EVP_PKEY_free};
  if (key == nullptr) return tls_error("there is no private key without passphrase in the PEM text");
  if (SSL_CTX_use_PrivateKey(native, key.get()) != 1 || SSL_CTX_check_private_key(native) != 1) {
    return tls_error("the key does not belong to the certificate");
  }
  return context;
}

Result<std::unique_ptr<TlsContext>> TlsContext::client_pinned(std::vector<PublicKeyHash> pins) {
  auto context = make(false);
  if (!context) return context;
  (*context)->pins_ = std::move(pins);
  SSL_CTX_set_verify((*context)->native(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback((*context)->native(), verify_pin, context->get());
  return context;
}

Result<std::unique_ptr<TlsContext>> TlsContext::client_ca(const std::string& ca_pem) {
  auto context = make(false);
  if (!context) return context;
  SSL_CTX* const native = (*context)->native();
  const Bio bio = bio_of(ca_pem);
  int count = 0;
  for (;; ++count) {
    const Certificate certificate{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), X509_free};
    if (certificate == nullptr) break;
    X509_STORE_add_cert(SSL_CTX_get_cert_store(native), certificate.get());
  }
  if (count == 0) return tls_error("there is no CA certificate in the PEM text");
  ERR_clear_error();
  SSL_CTX_set_verify(native, SSL_VERIFY_PEER, nullptr);
  (*context)->checks_name_ = true;
  return context;
}

Result<std::unique_ptr<TlsContext>> TlsContext::client_unverified() {
  return make(false);
}

TlsContext::~TlsContext() {
  SSL_SESSION_free(ticket_);
  SSL_CTX_free(context_);
}

}  // namespace penstock
