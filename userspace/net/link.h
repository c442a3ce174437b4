// A link: one bidirectional stream of bytes that never blocks - a TCP socket, TLS over one, or a simulated
// pipe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/error.h"

namespace penstock {

class Network;

enum class IoStatus {
  kDone,     // some bytes moved; there may be more
  kBlocked,  // nothing more for now: wait for readiness
  kEnd,      // the peer ended its direction, in order
  kFailed,   // the link is broken; `error` says why
};

struct IoResult {
  std::size_t bytes = 0;  // moved by this call, whatever the status
  IoStatus status = IoStatus::kDone;
  boost::system::error_code error;
};

/// Told when a link may make progress. Called from the loop, never from within a call of the link.
class LinkObserver {
 public:
  virtual void on_readable() = 0;
  virtual void on_writable() = 0;
  /// The connection broke while nobody was reading from it.
  virtual void on_broken(const boost::system::error_code& error) = 0;

 protected:
  ~LinkObserver() = default;
};

/// One thread, one observer. Destroying a link closes it; nothing is called afterwards.
class Link {
 public:
  virtual ~Link() = default;
  virtual void observe(LinkObserver* observer) = 0;
  /// Ask for one on_readable() / on_writable() when the next read() / write() may move bytes or would tell of
  /// an end.
  virtual void await_readable() = 0;
  virtual void await_writable() = 0;
  /// Ask for one on_broken(), for a link from which nothing is to be read for now.
  virtual void await_failure() = 0;

  virtual IoResult read(MutableBytes into) = 0;
  /// Takes as many bytes as there is room for. `more`: the caller will write again at once (lets segments
  /// fill up).
  virtual IoResult write(Bytes from, bool more) = 0;
  /// What an error of read() or write() means, for people.
  virtual std::string describe(const boost::system::error_code& error) const { return error.message(); }
  /// The cipher suite in use, or empty.
  virtual std::string cipher() const { return {}; }
  /// Whether the handshake took up an earlier connection's.
  virtual bool resumed() const { return false; }
  /// How often its keys were renewed.
  virtual std::uint64_t key_updates() const { return 0; }
  /// Ends our direction after what was written; the other one goes on.
  virtual void finish() = 0;
  /// Makes the destructor reset the connection instead of closing it in order.
  virtual void reset_on_close() = 0;

  /// Moving to another loop: leave() on the old one's thread, not from within a callback of the link, then
  /// join() on the new one's with its network. In between the link may only be handed over or destroyed. The
  /// observer and what was asked for are forgotten.
  virtual void leave() = 0;
  virtual void join(Network& network) = 0;
};

}  // namespace penstock
