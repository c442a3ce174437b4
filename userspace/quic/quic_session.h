// The TLS session of one QUIC connection.
#pragma once

#include <gnutls/gnutls.h>

#include <memory>
#include <optional>
#include <string>

#include "base/address.h"
#include "quic/ngtcp2_compat.h"
#include "quic/tls_native.h"

namespace penstock {

/// Made before the library's connection, and destroyed after it. `tls` outlives it.
class QuicSession {
 public:
  /// Null when GnuTLS has no memory for it.
  static std::unique_ptr<QuicSession> server(QuicTls& tls);
  static std::unique_ptr<QuicSession> client(QuicTls& tls, const Endpoint& server, const std::string& name);
  ~QuicSession();
  QuicSession(const QuicSession&) = delete;
  QuicSession& operator=(const QuicSession&) = delete;

  /// From which a server makes tokens.
  static const QuicSecret& secret_of(const QuicTls& tls) { return tls.native_->secret; }
  /// Sessions made from now on name another protocol than ours, and so get on with nobody who names ours.
  static void set_protocol(QuicTls& tls, const std::string& name) { tls.native_->protocol = name; }

  void attach(ngtcp2_conn* conn);
  /// The token that this server gave us, if it did.
  Bytes token() const { return as_bytes(memory_.token); }
  void keep_token(Bytes token);
  /// Server, once the handshake is complete.
  void send_ticket() const;

  /// Why the peer was not the one that was wanted; empty if it was, or nothing was heard of it.
  std::string why_refused() const;
  bool resumed() const { return gnutls_session_is_resumed(session_) != 0; }
  std::string cipher() const;

 private:
  QuicSession(QuicTls& tls, QuicMemories::Key server);
  bool set_up(unsigned role);
  bool set_up_server();
  bool set_up_client();
  bool is_pinned(const PublicKeyHash& key) const;

  static QuicSession& of(gnutls_session_t session);
  static ngtcp2_conn* connection_of(ngtcp2_crypto_conn_ref* ref);
  static int verify_pin(gnutls_session_t session);
  static int on_ticket(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming,
                       const gnutls_datum_t* message);

  QuicTls::Native& tls_;
  const QuicMemories::Key server_;  // client: whom it asks for
  QuicMemory memory_;               // client: used for this connection
  gnutls_session_t session_ = nullptr;
  ngtcp2_crypto_conn_ref ref_{};
  ngtcp2_conn* conn_ = nullptr;
  std::optional<PublicKeyHash> refused_key_;  // of a server that is none of those pinned
};

}  // namespace penstock
