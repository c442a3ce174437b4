// TLS over a socket as a link. The handshake happens within the first reads and writes.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <optional>
#include <string>

#include "net/link.h"
#include "net/socket_link.h"
#include "net/tls_context.h"

namespace penstock {

/// OpenSSL reads and writes the socket directly, many records a system call: reads take what is there ahead
/// of need, writes tell the kernel when more follows. Keys are renewed before they have served too long.
class TlsLink final : public Link, private LinkObserver {
 public:
  TlsLink(std::unique_ptr<Link> below, TlsContext& context, const std::string& server_name);
  ~TlsLink() override;

  void observe(LinkObserver* observer) override { observer_ = observer; }
  void await_readable() override;
  void await_writable() override;
  void await_failure() override { below_->await_failure(); }
  IoResult read(MutableBytes into) override;
  IoResult write(Bytes from, bool more) override;
  void finish() override;
  void reset_on_close() override { below_->reset_on_close(); }
  void leave() override;
  void join(Network& network) override;
  std::string describe(const boost::system::error_code& error) const override;
  std::string cipher() const override;
  bool resumed() const override { return SSL_session_reused(ssl_) == 1; }
  std::uint64_t key_updates() const override { return key_updates_; }

 private:
  void on_readable() override;
  void on_writable() override;
  void on_broken(const boost::system::error_code& error) override { observer_->on_broken(error); }
  void count_record();
  void wake(bool reader, bool writer);
  IoResult stopped(std::size_t moved, int returned, bool reading);
  static int bio_read(BIO* bio, char* into, int size);
  static int bio_write(BIO* bio, const char* from, int size);
  static long bio_control(BIO* bio, int command, long number, void* pointer);
  static BIO_METHOD* bio_method();

  std::unique_ptr<Link> below_;
  SSL* ssl_;
  std::optional<PublicKeyHash> refused_key_;  // of a server that is none of those pinned
  const std::uint64_t records_of_a_key_;
  std::uint64_t records_ = 0;  // sent by the keys in use
  std::uint64_t key_updates_ = 0;
  LinkObserver* observer_ = nullptr;
  bool more_ = false;                  // more records follow the one that OpenSSL writes
  bool read_waits_for_write_ = false;  // TLS must write before it can read, or the other way round
  bool write_waits_for_read_ = false;
  bool reader_waits_ = false;
  bool writer_waits_ = false;
  bool* destroyed_ = nullptr;  // set by the destructor while observers are being called
  boost::system::error_code below_failed_;
  std::string failure_;
};

}  // namespace penstock
