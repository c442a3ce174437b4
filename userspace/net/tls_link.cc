#include "net/tls_link.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "base/address.h"
#include "net/certificate.h"

namespace penstock {
namespace {

constexpr std::size_t kRecord = 16384;

}  // namespace

TlsLink::TlsLink(std::unique_ptr<Link> below, TlsContext& context, const std::string& server_name)
    : below_{std::move(below)},
      ssl_{SSL_new(context.native())},
      records_of_a_key_{context.records_of_a_key()} {
  below_->observe(this);
  BIO* const bio = BIO_new(bio_method());
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_, bio, bio);
  if (context.is_server()) {
    SSL_set_accept_state(ssl_);
    return;
  }
  SSL_set_connect_state(ssl_);
  SSL_set_ex_data(ssl_, TlsContext::kRefusedKey, &refused_key_);
  context.offer_ticket(ssl_);
  const bool is_address = IpAddress::parse(server_name).has_value();
  if (!is_address) {  // the macro for this casts in C's way
    SSL_ctrl(ssl_, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
             const_cast<char*>(server_name.c_str()));
  }
  if (!context.checks_name()) return;
  if (is_address) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_), server_name.c_str());
  } else {
    SSL_set_hostflags(ssl_, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    SSL_set1_host(ssl_, server_name.c_str());
  }
}

/// OpenSSL spoils the ticket of a connection that ends without its shutdown; when a network breaks, it stays
/// good.
TlsLink::~TlsLink() {
  if (destroyed_ != nullptr) *destroyed_ = true;
  SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(ssl_);
}

BIO_METHOD* TlsLink::bio_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* const made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "penstock link");
    BIO_meth_set_read(made, bio_read);
    BIO_meth_set_write(made, bio_write);
    BIO_meth_set_ctrl(made, bio_control);
    return made;
  }();
  return method;
}

int TlsLink::bio_read(BIO* bio, char* into, int size) {
  auto& self = *static_cast<TlsLink*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const IoResult result =
      self.below_->read({reinterpret_cast<std::byte*>(into), static_cast<std::size_t>(size)});
  if (result.bytes > 0) return static_cast<int>(result.bytes);
  if (result.status == IoStatus::kBlocked) BIO_set_retry_read(bio);
  if (result.status == IoStatus::kFailed) self.below_failed_ = result.error;
  return result.status == IoStatus::kEnd ? 0 : -1;
}

int TlsLink::bio_write(BIO* bio, const char* from, int size) {
  auto& self = *static_cast<TlsLink*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const IoResult result = self.below_->write(
      {reinterpret_cast<const std::byte*>(from), static_cast<std::size_t>(size)}, self.more_);
  if (result.bytes > 0) return static_cast<int>(result.bytes);
  if (result.status == IoStatus::kBlocked) BIO_set_retry_write(bio);
  if (result.status == IoStatus::kFailed) self.below_failed_ = result.error;
  return -1;
}

long TlsLink::bio_control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

/// Why OpenSSL stopped. What it wants next decides which readiness wakes whom.
IoResult TlsLink::stopped(std::size_t moved, int returned, bool reading) {
  switch (SSL_get_error(ssl_, returned)) {
    case SSL_ERROR_WANT_READ:
      if (!reading) write_waits_for_read_ = true;
      return {moved, IoStatus::kBlocked, {}};
    case SSL_ERROR_WANT_WRITE:
      if (reading) read_waits_for_write_ = true;
      return {moved, IoStatus::kBlocked, {}};
    case SSL_ERROR_ZERO_RETURN:
      return {moved, IoStatus::kEnd, {}};
    default:
      break;
  }
  if (below_failed_) return {moved, IoStatus::kFailed, below_failed_};
  const long verdict = SSL_get_verify_result(ssl_);
  const bool verifies = (SSL_get_verify_mode(ssl_) & SSL_VERIFY_PEER) != 0;
  if (verifies && verdict != X509_V_OK && SSL_is_init_finished(ssl_) != 1) {
    failure_ = "the hub is not trusted: " +
               (refused_key_ ? not_pinned(*refused_key_) : X509_verify_cert_error_string(verdict));
    ERR_clear_error();
    return {moved, IoStatus::kFailed, make_error_code(Errc::kRefused)};
  }
  const unsigned long code = ERR_peek_error();
  if (code == 0 || ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    ERR_clear_error();
    failure_ = "the connection ended without notice";
    return {moved, IoStatus::kFailed, make_error_code(Errc::kUnavailable)};
  }
  failure_ = openssl_errors();
  return {moved, IoStatus::kFailed, make_error_code(Errc::kProtocol)};
}

IoResult TlsLink::read(MutableBytes into) {
  read_waits_for_write_ = false;
  ERR_clear_error();
  std::size_t moved = 0;
  while (moved < into.size()) {
    std::size_t got = 0;
    const int returned = SSL_read_ex(ssl_, into.data() + moved, into.size() - moved, &got);
    if (returned != 1) return stopped(moved, returned, true);
    moved += got;
  }
  return {moved, IoStatus::kDone, {}};
}

IoResult TlsLink::write(Bytes from, bool more) {
  write_waits_for_read_ = false;
  ERR_clear_error();
  std::size_t moved = 0;
  while (moved < from.size()) {
    const std::size_t piece = std::min(from.size() - moved, kRecord);
    more_ = more || moved + piece < from.size();
    std::size_t put = 0;
    const int returned = SSL_write_ex(ssl_, from.data() + moved, piece, &put);
    if (returned != 1) return stopped(moved, returned, false);
    moved += put;
    count_record();
  }
  return {moved, IoStatus::kDone, {}};
}

/// OpenSSL says that the keys change, and asks the peer to change its own, in front of the next record.
void TlsLink::count_record() {
  if (++records_ < records_of_a_key_) return;
  if (SSL_key_update(ssl_, SSL_KEY_UPDATE_REQUESTED) != 1)
    return ERR_clear_error();  // then with the next one
  records_ = 0;
  ++key_updates_;
}

void TlsLink::finish() {
  ERR_clear_error();
  more_ = false;
  if (SSL_is_init_finished(ssl_) == 1) SSL_shutdown(ssl_);
  ERR_clear_error();
  below_->finish();
}

void TlsLink::await_readable() {
  reader_waits_ = true;
  if (read_waits_for_write_) {
    below_->await_writable();
  } else {
    below_->await_readable();
  }
}

void TlsLink::await_writable() {
  writer_waits_ = true;
  if (write_waits_for_read_) {
    below_->await_readable();
  } else {
    below_->await_writable();
  }
}

/// Tells those who wait for this readiness; the first of them may destroy the link.
void TlsLink::wake(bool reader, bool writer) {
  bool destroyed = false;
  destroyed_ = &destroyed;
  reader = reader && std::exchange(reader_waits_, false);
  writer = writer && std::exchange(writer_waits_, false);
  if (reader) observer_->on_readable();
  if (destroyed) return;
  if (writer) observer_->on_writable();
  if (!destroyed) destroyed_ = nullptr;
}

void TlsLink::on_readable() {
  // One wait below may serve both; who waits for something else must not be forgotten.
  const bool reader = reader_waits_ && !read_waits_for_write_;
  const bool writer = writer_waits_ && write_waits_for_read_;
  wake(reader, writer);
}

void TlsLink::on_writable() {
  const bool reader = reader_waits_ && read_waits_for_write_;
  const bool writer = writer_waits_ && !write_waits_for_read_;
  wake(reader, writer);
}

void TlsLink::leave() {
  below_->leave();
  observer_ = nullptr;
  reader_waits_ = false;
  writer_waits_ = false;
}

void TlsLink::join(Network& network) {
  below_->join(network);
  below_->observe(this);
}

std::string TlsLink::describe(const boost::system::error_code& error) const {
  return error.category() == penstock_category() ? failure_ : error.message();
}

std::string TlsLink::cipher() const {
  const char* const name = SSL_get_cipher_name(ssl_);
  return name == nullptr || SSL_is_init_finished(ssl_) != 1 ? "" : name;
}

}  // namespace penstock
