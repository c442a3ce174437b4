// The names of ngtcp2 1.x, also where the library is 0.12: all our code is written in those of 1.x.
#pragma once

#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>

#include "base/bytes.h"

#if NGTCP2_VERSION_NUM < 0x010000

// NOLINTBEGIN(readability-identifier-naming): the library's own names.
using ngtcp2_ccerr = ngtcp2_connection_close_error;
using ngtcp2_conn_info = ngtcp2_conn_stat;

inline constexpr auto NGTCP2_CCERR_TYPE_APPLICATION = NGTCP2_CONNECTION_CLOSE_ERROR_CODE_TYPE_APPLICATION;
// NOLINTEND(readability-identifier-naming)

inline void ngtcp2_ccerr_default(ngtcp2_ccerr* out) {
  ngtcp2_connection_close_error_default(out);
}
inline void ngtcp2_ccerr_set_liberr(ngtcp2_ccerr* out, int error, const std::uint8_t* text,
                                    std::size_t size) {
  ngtcp2_connection_close_error_set_transport_error_liberr(out, error, const_cast<std::uint8_t*>(text), size);
}
inline void ngtcp2_ccerr_set_tls_alert(ngtcp2_ccerr* out, std::uint8_t alert, const std::uint8_t* text,
                                       std::size_t size) {
  ngtcp2_connection_close_error_set_transport_error_tls_alert(out, alert, const_cast<std::uint8_t*>(text),
                                                              size);
}
inline void ngtcp2_ccerr_set_application_error(ngtcp2_ccerr* out, std::uint64_t code,
                                               const std::uint8_t* text, std::size_t size) {
  ngtcp2_connection_close_error_set_application_error(out, code, const_cast<std::uint8_t*>(text), size);
}
inline int ngtcp2_conn_shutdown_stream(ngtcp2_conn* conn, std::uint32_t /*flags*/, std::int64_t id,
                                       std::uint64_t code) {
  return ngtcp2_conn_shutdown_stream(conn, id, code);
}
inline void ngtcp2_conn_get_conn_info(ngtcp2_conn* conn, ngtcp2_conn_info* out) {
  ngtcp2_conn_get_conn_stat(conn, out);
}

#endif

namespace penstock {

/// Why the peer closed the connection.
inline ngtcp2_ccerr close_of_peer(ngtcp2_conn* conn) {
#if NGTCP2_VERSION_NUM < 0x010000
  ngtcp2_ccerr out{};
  ngtcp2_conn_get_connection_close_error(conn, &out);
  return out;
#else
  return *ngtcp2_conn_get_ccerr(conn);
#endif
}

inline Bytes library_bytes(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const std::byte*>(data), size};
}
inline const std::uint8_t* library_data(Bytes bytes) {
  return reinterpret_cast<const std::uint8_t*>(bytes.data());
}
inline std::uint8_t* library_data(MutableBytes bytes) {
  return reinterpret_cast<std::uint8_t*>(bytes.data());
}
/// The library reads these, and never writes to them.
inline ngtcp2_vec library_vec(Bytes bytes) {
  return {.base = const_cast<std::uint8_t*>(library_data(bytes)), .len = bytes.size()};
}

inline Bytes token_of(const ngtcp2_pkt_hd& header) {
#if NGTCP2_VERSION_NUM < 0x010000
  return library_bytes(header.token.base, header.token.len);
#else
  return library_bytes(header.token, header.tokenlen);
#endif
}

/// `token` outlives the making of the connection. `retry`: it came with a Retry packet.
inline void set_token(ngtcp2_settings& settings, Bytes token, bool retry) {
#if NGTCP2_VERSION_NUM < 0x010000
  static_cast<void>(retry);
  settings.token = library_vec(token);
#else
  settings.token = library_data(token);
  settings.tokenlen = token.size();
  settings.token_type = retry ? NGTCP2_TOKEN_TYPE_RETRY : NGTCP2_TOKEN_TYPE_NEW_TOKEN;
#endif
}

inline void set_original_id(ngtcp2_transport_params& parameters, const ngtcp2_cid& id) {
  parameters.original_dcid = id;
#if NGTCP2_VERSION_NUM >= 0x010000
  parameters.original_dcid_present = 1;
#endif
}

#if NGTCP2_VERSION_NUM < 0x010000
inline constexpr ngtcp2_cc_algo kLibraryBbr = NGTCP2_CC_ALGO_BBR2;
#else
inline constexpr ngtcp2_cc_algo kLibraryBbr = NGTCP2_CC_ALGO_BBR;
#endif

}  // namespace penstock
