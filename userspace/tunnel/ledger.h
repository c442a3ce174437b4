// The books: on a node, what was received was sent, is held, or was dropped for a reason.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "tunnel/counters.h"

namespace penstock {

/// Datagrams, or flows, of one service in one direction, on one thread: received = sent + held + the sum of
/// dropped, and the same for their bytes. A flow is held while it is open; it counts as sent when it
/// completed and as dropped when it ended for any other reason. Written by that thread, read by any.
struct LedgerLine {
  Counter received;
  Counter received_bytes;  // of payload, as everywhere here
  Counter sent;
  Counter sent_bytes;
  Counter held;
  Counter held_bytes;
  std::array<Counter, PST_R_MAX> dropped;  // by reason
  Counter dropped_bytes;

  void receive(std::size_t bytes) {
    received.add(1);
    received_bytes.add(bytes);
  }
  void send(std::size_t bytes) {
    sent.add(1);
    sent_bytes.add(bytes);
  }
  void hold(std::size_t bytes) {
    held.add(1);
    held_bytes.add(bytes);
  }
  void release(std::size_t bytes) {
    held.subtract(1);
    held_bytes.subtract(bytes);
  }
  void drop(Reason reason, std::size_t bytes) {
    dropped[static_cast<std::size_t>(reason)].add(1);
    dropped_bytes.add(bytes);
  }
  /// Datagrams that kernel programs received and sent.
  void pass(std::uint64_t datagrams, std::uint64_t bytes) {
    received.add(datagrams);
    received_bytes.add(bytes);
    sent.add(datagrams);
    sent_bytes.add(bytes);
  }
  /// Datagrams that somebody else received and threw away for us, of unknown size.
  void lose(Reason reason, std::uint64_t datagrams) {
    received.add(datagrams);
    dropped[static_cast<std::size_t>(reason)].add(datagrams);
  }
};

struct ServiceLedger {
  std::string_view service;  // good as long as the ledger
  std::string_view edge;     // hub: whose traffic it is; empty at the edge itself
  LedgerLine to_backend;     // datagrams
  LedgerLine to_client;
  LedgerLine direct_to_backend;  // datagrams between a client and a backend, without a tunnel
  LedgerLine direct_to_client;
  LedgerLine flows_to_backend;
  LedgerLine flows_to_client;

  /// A flow opened, which both its directions have from now on; or ended.
  void open_flow();
  void end_flow(Reason reason);
  /// A flow that never opened.
  void refuse_flow(Reason reason) {
    open_flow();
    end_flow(reason);
  }
};

/// A line as it stood at one moment. Rows of the same service, unit and direction, of several threads, add
/// up.
struct LedgerRow {
  std::string service;  // empty: what belongs to no service
  std::string edge;     // hub: whose traffic it is; empty at the edge itself
  bool flows = false;   // else datagrams
  bool direct = false;  // datagrams between a client and a backend, without a tunnel
  bool to_client = false;
  std::uint64_t received = 0;
  std::uint64_t received_bytes = 0;
  std::uint64_t sent = 0;
  std::uint64_t sent_bytes = 0;
  std::uint64_t held = 0;
  std::uint64_t held_bytes = 0;
  std::uint64_t dropped_bytes = 0;
  std::map<Reason, std::uint64_t> dropped;

  /// What the row is of, whichever the edge: rows with the same key add up.
  auto key() const { return std::tie(service, flows, direct, to_client); }
  std::uint64_t dropped_total() const;
  /// Whether received = sent + held + dropped, in datagrams and in bytes.
  bool balances() const;
  LedgerRow& operator+=(const LedgerRow& other);
};

/// The books of one thread of a role. Services keep theirs until the node ends, whatever becomes of them.
class Ledger {
 public:
  /// Stays where it is. The hub keeps books for each edge apart.
  ServiceLedger& of(const std::string& service, const std::string& edge = {});
  /// The lines that ever had anything. A consistent picture, between two turns of the loop.
  std::vector<LedgerRow> rows() const;

 private:
  std::map<std::pair<std::string, std::string>, ServiceLedger> books_;  // by service and edge
};

}  // namespace penstock
