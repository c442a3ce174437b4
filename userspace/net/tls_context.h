// TLS 1.3 as the tunnel uses it: whom a server is, whom a client trusts.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/error.h"

struct ssl_ctx_st;
struct ssl_session_st;
struct ssl_st;

namespace penstock {

/// SHA-256 of a public key in DER form; the same as KeyPin of proto/token.h.
using PublicKeyHash = std::array<std::byte, 32>;

/// Settings shared by all TLS links of a kind. Any thread, once made.
class TlsContext {
 public:
  /// A server with a certificate chain and key in PEM.
  static Result<std::unique_ptr<TlsContext>> server(const std::string& certificate_pem,
                                                    const std::string& key_pem);
  /// A client that accepts exactly the servers whose public key has one of these hashes; names and dates are
  /// ignored.
  static Result<std::unique_ptr<TlsContext>> client_pinned(std::vector<PublicKeyHash> pins);
  /// A client that accepts servers with a certificate of this CA for the name it asks for.
  static Result<std::unique_ptr<TlsContext>> client_ca(const std::string& ca_pem);
  /// A client that accepts every server: only when the operator said so in so many words.
  static Result<std::unique_ptr<TlsContext>> client_unverified();
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  /// Which data of its connections (SSL_set_ex_data) points to the std::optional<PublicKeyHash> for a key
  /// that was refused, if there is to be one.
  static constexpr int kRefusedKey = 0;

  ssl_ctx_st* native() { return context_; }
  bool is_server() const { return server_; }
  bool checks_name() const { return checks_name_; }
  const std::vector<PublicKeyHash>& pins() const { return pins_; }

  /// A link renews the keys of both directions when it has sent so many records by them: a third of what
  /// AES-GCM bears (RFC 8446, 5.5). To be set before there are links.
  std::uint64_t records_of_a_key() const { return records_of_a_key_; }
  void set_records_of_a_key(std::uint64_t records) { records_of_a_key_ = records; }

  /// Lets a client's new connection take up where an earlier one of this context ended: under the same trust,
  /// and each ticket once. Nothing happens where there is none.
  void offer_ticket(ssl_st* connection);

 private:
  TlsContext(ssl_ctx_st* context, bool server) : context_{context}, server_{server} {}
  static Result<std::unique_ptr<TlsContext>> make(bool server);
  void accept_tickets();
  static int keep_ticket(ssl_st* connection, ssl_session_st* ticket);

  ssl_ctx_st* context_;
  const bool server_;
  bool checks_name_ = false;
  std::uint64_t records_of_a_key_ = 1 << 23;
  std::vector<PublicKeyHash> pins_;
  std::mutex tickets_;                // guards what follows
  ssl_session_st* ticket_ = nullptr;  // the latest; null: none
};

/// What OpenSSL has to say about the last failure on this thread; empties its queue.
std::string openssl_errors();

}  // namespace penstock
