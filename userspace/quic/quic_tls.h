// TLS 1.3 within QUIC (RFC 9001): whom a server is, whom a client trusts.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "net/tls_context.h"

namespace penstock {

enum class QuicTrust;

/// The application protocol (ALPN) that both ends must name; a peer without it is refused.
inline constexpr std::string_view kQuicProtocol = "penstock/1";

/// From which a server makes address tokens and stateless resets: a server that starts again with the same
/// one is understood by those who knew it before.
using QuicSecret = std::array<std::byte, 32>;

/// Settings shared by all QUIC connections of a kind; the counterpart of TlsContext, with the same trust.
/// Any thread, once made.
class QuicTls {
 public:
  /// A server with a certificate chain and key in PEM.
  static Result<std::unique_ptr<QuicTls>> server(const std::string& certificate_pem,
                                                 const std::string& key_pem, const QuicSecret& secret);
  /// A client that accepts exactly the servers whose public key has one of these hashes; names and dates are
  /// ignored.
  static Result<std::unique_ptr<QuicTls>> client_pinned(std::vector<PublicKeyHash> pins);
  /// A client that accepts servers with a certificate of this CA for the name it asks for.
  static Result<std::unique_ptr<QuicTls>> client_ca(const std::string& ca_pem);
  /// A client that accepts every server: only when the operator said so in so many words.
  static Result<std::unique_ptr<QuicTls>> client_unverified();
  ~QuicTls();
  QuicTls(const QuicTls&) = delete;
  QuicTls& operator=(const QuicTls&) = delete;

 private:
  friend class QuicSession;
  struct Native;
  explicit QuicTls(std::unique_ptr<Native> native);
  static Result<std::unique_ptr<Native>> make(QuicTrust trust);

  std::unique_ptr<Native> native_;
};

}  // namespace penstock
