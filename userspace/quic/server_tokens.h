// Tokens by which a server knows an address again (RFC 9000, 8.1).
#pragma once

#include <array>
#include <chrono>

#include "quic/ngtcp2_compat.h"
#include "quic/quic_tls.h"

namespace penstock {

/// Tokens outlive the process that made them, and so the clock that starts with the machine.
inline ngtcp2_tstamp token_time() {
  return static_cast<ngtcp2_tstamp>(
      std::chrono::nanoseconds{std::chrono::system_clock::now().time_since_epoch()}.count());
}

/// For a later connection from the same address (NEW_TOKEN).
class AddressToken {
 public:
  bool make(const QuicSecret& secret, const ngtcp2_addr& remote) {
    const ngtcp2_ssize size = ngtcp2_crypto_generate_regular_token(
        bytes_.data(), library_data(Bytes{secret}), secret.size(), remote.addr, remote.addrlen, token_time());
    size_ = size < 0 ? 0 : static_cast<std::size_t>(size);
    return size > 0;
  }
  Bytes bytes() const { return library_bytes(bytes_.data(), size_); }

 private:
  std::array<std::uint8_t, NGTCP2_CRYPTO_MAX_REGULAR_TOKENLEN> bytes_{};
  std::size_t size_ = 0;
};

}  // namespace penstock
