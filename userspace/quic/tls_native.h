// What QuicTls holds of GnuTLS, and what it remembers of servers.
#pragma once

#include <gnutls/gnutls.h>

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/address.h"
#include "quic/quic_tls.h"

namespace penstock {

/// What shortens the next connection to a server.
struct QuicMemory {
  std::string ticket;  // of TLS; empty: none
  std::string token;   // proves our address; empty: none
};

/// What servers gave us, each for one use. Any thread.
class QuicMemories {
 public:
  /// Under the name that was verified: a ticket is good for that alone.
  using Key = std::pair<Endpoint, std::string>;

  QuicMemory take(const Key& server);
  void keep_ticket(const Key& server, std::string ticket);
  void keep_token(const Key& server, std::string token);

 private:
  static constexpr std::size_t kMost = 64;  // servers

  QuicMemory& of(const Key& server);

  std::mutex mutex_;
  std::map<Key, QuicMemory> known_;
};

enum class QuicTrust { kServer, kPins, kAuthority, kEverybody };

struct QuicTls::Native {
  explicit Native(QuicTrust whom) : trust{whom} {}
  ~Native();
  Native(const Native&) = delete;
  Native& operator=(const Native&) = delete;

  const QuicTrust trust;
  std::string protocol{kQuicProtocol};
  gnutls_priority_t priority = nullptr;
  gnutls_certificate_credentials_t credentials = nullptr;
  gnutls_datum_t ticket_key{};  // server; of gnutls_malloc()
  QuicSecret secret{};          // server
  std::vector<PublicKeyHash> pins;
  QuicMemories memories;  // client
};

}  // namespace penstock
