#include "quic/library_callbacks.h"

#include "quic/library_connection.h"
#include "quic/server_tokens.h"

namespace penstock {

/// From within ngtcp2_conn_read_pkt() mostly; the owner may end the connection in any of what is told here,
/// and then nothing more is told.
struct LibraryCallbacks {
  static LibraryConnection& self(void* user) { return *static_cast<LibraryConnection*>(user); }

  static void random(std::uint8_t* out, std::size_t size, const ngtcp2_rand_ctx* /*context*/) {
    fill_random({reinterpret_cast<std::byte*>(out), size});
  }

  static int new_id(ngtcp2_conn* /*conn*/, ngtcp2_cid* id, std::uint8_t* token, std::size_t /*size*/,
                    void* user) {
    LibraryConnection& connection = self(user);
    const ConnectionId made = connection.host_.make_id();
    *id = made.native();
    if (ngtcp2_crypto_generate_stateless_reset_token(token, library_data(Bytes{connection.host_.secret()}),
                                                     connection.host_.secret().size(), id) != 0)
      return NGTCP2_ERR_CALLBACK_FAILURE;
    connection.host_.add_id(made, connection);
    connection.ids_.push_back(made);
    return 0;
  }

  static int remove_id(ngtcp2_conn* /*conn*/, const ngtcp2_cid* id, void* user) {
    LibraryConnection& connection = self(user);
    const ConnectionId gone{*id};
    connection.host_.remove_id(gone);
    std::erase(connection.ids_, gone);
    return 0;
  }

  static int handshake_completed(ngtcp2_conn* conn, void* user) {
    LibraryConnection& connection = self(user);
    connection.established_ = true;
    connection.counted_.resumed = connection.session_->resumed();
    if (ngtcp2_conn_is_server(conn) != 0) {
      connection.session_->send_ticket();
      AddressToken token;
      if (token.make(connection.host_.secret(), ngtcp2_conn_get_path(conn)->remote))
        ngtcp2_conn_submit_new_token(conn, library_data(token.bytes()), token.bytes().size());
    }
    connection.host_.on_handshake_complete(connection);
    return 0;
  }

  static int stream_open(ngtcp2_conn* conn, std::int64_t id, void* user) {
    QuicStream& stream = self(user).streams_[id];
    ngtcp2_conn_set_stream_user_data(conn, id, &stream);
    return 0;
  }

  static int stream_data(ngtcp2_conn* conn, std::uint32_t flags, std::int64_t id, std::uint64_t /*offset*/,
                         const std::uint8_t* data, std::size_t size, void* user, void* stream) {
    LibraryConnection& connection = self(user);
    ngtcp2_conn_extend_max_offset(conn, size);
    connection.tell_established();
    QuicObserver* const listener = connection.listener();
    if (listener == nullptr || stream == nullptr || static_cast<QuicStream*>(stream)->aborted) return 0;
    listener->on_stream_data(id, library_bytes(data, size), (flags & NGTCP2_STREAM_DATA_FLAG_FIN) != 0);
    return 0;
  }

  static int stream_acknowledged(ngtcp2_conn* /*conn*/, std::int64_t id, std::uint64_t /*offset*/,
                                 std::uint64_t bytes, void* user, void* stream) {
    auto* const own = static_cast<QuicStream*>(stream);
    if (own == nullptr || bytes == 0) return 0;
    own->buffer.acknowledged(bytes);
    self(user).long_packets_.stream_acknowledged(static_cast<std::uint64_t>(id), bytes);
    QuicObserver* const listener = self(user).listener();
    if (listener != nullptr && !own->aborted) listener->on_stream_acknowledged(id, bytes);
    return 0;
  }

  static int stream_reset(ngtcp2_conn* /*conn*/, std::int64_t id, std::uint64_t /*size*/, std::uint64_t code,
                          void* user, void* stream) {
    LibraryConnection& connection = self(user);
    connection.tell_established();
    QuicObserver* const listener = connection.listener();
    if (listener == nullptr || stream == nullptr || static_cast<QuicStream*>(stream)->aborted) return 0;
    listener->on_stream_reset(id, code);
    return 0;
  }

  static int stream_credit(ngtcp2_conn* /*conn*/, std::int64_t id, std::uint64_t /*most*/, void* user,
                           void* stream) {
    auto* const own = static_cast<QuicStream*>(stream);
    QuicObserver* const listener = self(user).listener();
    if (own == nullptr || listener == nullptr) return 0;
    if (!own->aborted) listener->on_stream_credit(id);
    return 0;
  }

  /// That a peer wants nothing more of a stream whose own direction had ended shows here alone.
  static int stream_close(ngtcp2_conn* conn, std::uint32_t flags, std::int64_t id, std::uint64_t code,
                          void* user, void* /*stream*/) {
    LibraryConnection& connection = self(user);
    connection.long_packets_.forget_stream(static_cast<std::uint64_t>(id));
    connection.lost_of_closed_ += ngtcp2_conn_get_stream_loss_count(conn, id);
    if (ngtcp2_conn_is_local_stream(conn, id) == 0) ngtcp2_conn_extend_max_streams_bidi(conn, 1);
    const QuicStream* const own = connection.find(id);
    if (own == nullptr) return 0;
    const bool reset = !own->aborted && (flags & NGTCP2_STREAM_CLOSE_FLAG_APP_ERROR_CODE_SET) != 0;
    if (QuicObserver* const listener = connection.listener(); listener != nullptr && reset)
      listener->on_stream_reset(id, code);
    if (QuicObserver* const listener = connection.listener()) listener->on_stream_closed(id);
    connection.streams_.erase(id);
    return 0;
  }

  static int datagram(ngtcp2_conn* /*conn*/, std::uint32_t /*flags*/, const std::uint8_t* data,
                      std::size_t size, void* user) {
    LibraryConnection& connection = self(user);
    connection.tell_established();
    if (QuicObserver* const listener = connection.listener())
      listener->on_datagram(library_bytes(data, size));
    return 0;
  }

  static int update_key(ngtcp2_conn* conn, std::uint8_t* rx_secret, std::uint8_t* tx_secret,
                        ngtcp2_crypto_aead_ctx* rx_context, std::uint8_t* rx_iv,
                        ngtcp2_crypto_aead_ctx* tx_context, std::uint8_t* tx_iv,
                        const std::uint8_t* old_rx_secret, const std::uint8_t* old_tx_secret,
                        std::size_t size, void* user) {
    ++self(user).prepared_;
    return ngtcp2_crypto_update_key_cb(conn, rx_secret, tx_secret, rx_context, rx_iv, tx_context, tx_iv,
                                       old_rx_secret, old_tx_secret, size, user);
  }

  static int datagram_acknowledged(ngtcp2_conn* /*conn*/, std::uint64_t number, void* user) {
    self(user).long_packets_.datagrams_acknowledged(number);
    return 0;
  }

  /// Datagrams of one packet have the same number.
  static int datagram_lost(ngtcp2_conn* /*conn*/, std::uint64_t number, void* user) {
    LibraryConnection& connection = self(user);
    connection.long_packets_.datagrams_lost(number);
    if (std::exchange(connection.last_lost_, number) != number) ++connection.lost_datagrams_;
    return 0;
  }

  static int stateless_reset(ngtcp2_conn* /*conn*/, const ngtcp2_pkt_stateless_reset* /*packet*/,
                             void* user) {
    self(user).counted_.forgotten = true;
    return 0;
  }

#if NGTCP2_VERSION_NUM < 0x010000
  static int path_validated(ngtcp2_conn* conn, std::uint32_t /*flags*/, const ngtcp2_path* path,
                            ngtcp2_path_validation_result result, void* user) {
#else
  static int path_validated(ngtcp2_conn* conn, std::uint32_t /*flags*/, const ngtcp2_path* path,
                            const ngtcp2_path* /*fallback*/, ngtcp2_path_validation_result result,
                            void* user) {
#endif
    LibraryConnection& connection = self(user);
    const Endpoint remote = endpoint_of(path->remote);
    const bool moved = result == NGTCP2_PATH_VALIDATION_RESULT_SUCCESS && remote != connection.validated_ &&
                       remote == endpoint_of(ngtcp2_conn_get_path(conn)->remote);
    if (moved) {
      connection.validated_ = remote;
      connection.long_packets_.forget_path();
      ++connection.counted_.migrations;
    }
    return 0;
  }

#if NGTCP2_VERSION_NUM < 0x010000
  static int new_token(ngtcp2_conn* /*conn*/, const ngtcp2_vec* token, void* user) {
    self(user).session_->keep_token(library_bytes(token->base, token->len));
    return 0;
  }
#else
  static int new_token(ngtcp2_conn* /*conn*/, const std::uint8_t* token, std::size_t size, void* user) {
    self(user).session_->keep_token(library_bytes(token, size));
    return 0;
  }
#endif
};

ngtcp2_callbacks library_callbacks(bool server) {
  ngtcp2_callbacks out{};
  out.recv_crypto_data = ngtcp2_crypto_recv_crypto_data_cb;
  out.encrypt = ngtcp2_crypto_encrypt_cb;
  out.decrypt = ngtcp2_crypto_decrypt_cb;
  out.hp_mask = ngtcp2_crypto_hp_mask_cb;
  out.update_key = LibraryCallbacks::update_key;
  out.delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb;
  out.delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb;
  out.get_path_challenge_data = ngtcp2_crypto_get_path_challenge_data_cb;
  out.version_negotiation = ngtcp2_crypto_version_negotiation_cb;
  if (server) {
    out.recv_client_initial = ngtcp2_crypto_recv_client_initial_cb;
  } else {
    out.client_initial = ngtcp2_crypto_client_initial_cb;
    out.recv_retry = ngtcp2_crypto_recv_retry_cb;
    out.recv_new_token = LibraryCallbacks::new_token;
  }
  out.rand = LibraryCallbacks::random;
  out.get_new_connection_id = LibraryCallbacks::new_id;
  out.remove_connection_id = LibraryCallbacks::remove_id;
  out.handshake_completed = LibraryCallbacks::handshake_completed;
  out.stream_open = LibraryCallbacks::stream_open;
  out.recv_stream_data = LibraryCallbacks::stream_data;
  out.acked_stream_data_offset = LibraryCallbacks::stream_acknowledged;
  out.stream_reset = LibraryCallbacks::stream_reset;
  out.extend_max_stream_data = LibraryCallbacks::stream_credit;
  out.stream_close = LibraryCallbacks::stream_close;
  out.recv_datagram = LibraryCallbacks::datagram;
  out.ack_datagram = LibraryCallbacks::datagram_acknowledged;
  out.lost_datagram = LibraryCallbacks::datagram_lost;
  out.recv_stateless_reset = LibraryCallbacks::stateless_reset;
  out.path_validation = LibraryCallbacks::path_validated;
  return out;
}

}  // namespace penstock
