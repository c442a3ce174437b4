// The public ports of an edge: what the hub assigned, within what the edge itself permits.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/port_set.h"
#include "config/config.h"
#include "net/network.h"
#include "proto/messages.h"

namespace penstock {

/// Opens and closes the ports of one protocol so that they follow the assignment; only the difference is
/// touched. A port is open when it is open on every address of `edge.bind` that this host has; else it is
/// failed, with the reason. One thread.
class PortListeners {
 public:
  /// Opens one endpoint until the answer is destroyed.
  using Open = std::function<Result<std::unique_ptr<Pending>>(const Endpoint&)>;

  explicit PortListeners(Open open) : open_endpoint_{std::move(open)} {}

  void set_policy(const EdgeConfig& config);
  /// Follows the assignment, and tries failed ports again.
  void assign(const PortSet& wanted);
  /// Closes all, and opens nothing any more.
  void close_for_good();
  /// Closes and opens again what is open, since how it is opened has changed.
  void reopen();

  const PortSet& open() const { return open_; }
  const PortSet& wanted() const { return wanted_; }
  /// Those of the assignment that the policy lets be opened.
  PortSet permitted() const { return wanted_.intersection(allow_).difference(deny_); }
  std::vector<PortFailure> failures() const;
  bool has_failures() const { return !failures_.empty(); }

 private:
  struct Failure {
    Reason reason = PST_R_UNKNOWN;
    std::string message;
    bool operator==(const Failure&) const = default;
  };
  std::optional<Failure> open_port(std::uint16_t port);
  void close_port(std::uint16_t port);
  void close_all();

  const Open open_endpoint_;
  std::vector<IpAddress> bind_;
  PortSet allow_;
  PortSet deny_;
  PortSet wanted_;
  PortSet open_;
  bool closed_for_good_ = false;
  std::map<std::uint16_t, std::vector<std::unique_ptr<Pending>>> listeners_;
  std::map<std::uint16_t, Failure> failures_;
};

}  // namespace penstock
