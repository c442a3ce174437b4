// Which of the hub's own sockets a session uses towards its backend.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>

#include "base/address.h"
#include "base/time.h"

namespace penstock {

struct EndpointHash {
  std::size_t operator()(const Endpoint& endpoint) const;
};

/// A source is a socket with an address and port of its own. It may serve many sessions at once, each towards
/// another backend, since a reply is told apart by who sent it; towards one backend it serves one session. A
/// source given back rests for the quarantine before that backend sees it again, so that a late reply never
/// reaches another client. Sources are numbered from 0 in the order in which they were opened. Pure; one
/// thread.
///
/// Memory: a few bytes for each source that a backend has had, until all of them have rested and tidy() is
/// called. Backends are the operator's to name, so their number has no bound here.
class BackendSources {
 public:
  BackendSources(std::uint32_t most, Duration quarantine) : most_{most}, quarantine_{quarantine} {}

  /// A source for a session towards `backend`: one that this backend never had, else the one that has rested
  /// longest. Nothing when all are in use or resting, and then open() is the remedy, while may_open().
  std::optional<std::uint32_t> take(const Endpoint& backend, Time now);
  /// A source that take() gave for that backend, once. Aborts when that backend has none in use.
  void give_back(const Endpoint& backend, std::uint32_t source, Time now);
  /// The same, of one that nothing was sent from: the backend may have it again at once.
  void return_unused(const Endpoint& backend, std::uint32_t source, Time now);

  /// A source that a session already has, as the process before gave it: in use from now on, until it is
  /// given back. Those below it that are new here rest first, for they may have been used too. False when it
  /// is in use, or beyond the most.
  bool claim(const Endpoint& backend, std::uint32_t source, Time now);

  bool may_open() const { return opened_ < most_; }
  /// One more source exists; returns its number. Only while may_open().
  std::uint32_t open() { return opened_++; }
  std::uint32_t opened() const { return opened_; }
  /// Forgets backends that use none and whose sources have all rested.
  void tidy(Time now);
  std::size_t backends() const { return backends_.size(); }

 private:
  struct Resting {
    std::uint32_t source;
    Time since;
  };
  struct Backend {
    std::uint32_t fresh = 0;      // sources from this number on were never used
    std::uint32_t used = 0;       // sources that sessions have now
    std::deque<Resting> resting;  // longest first; together with those used, `fresh` sources
  };
  Backend& one_less(const Endpoint& backend);
  bool has_rested(const Resting& resting, Time now) const { return now - resting.since >= quarantine_; }

  const std::uint32_t most_;
  const Duration quarantine_;
  std::uint32_t opened_ = 0;
  std::unordered_map<Endpoint, Backend, EndpointHash> backends_;
};

}  // namespace penstock
