// The text handshake of a carrier: the edge's line, the hub's answer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/error.h"
#include "base/port_set.h"
#include "base/time.h"

namespace penstock {

/// "EDGE <id> <secret>\n"
struct EdgeLine {
  std::string id;
  std::string secret;
  bool operator==(const EdgeLine&) const = default;
};
std::string to_line(const EdgeLine& line);
/// The line without its line feed. Errors never repeat the secret.
Result<EdgeLine> parse_edge_line(std::string_view line);

/// What an edge needs in order to take a UDP service's datagrams to the backend itself.
struct DirectService {
  /// Where the PROXY v2 header goes.
  enum class Header { kNone, kEvery, kFirst, kSeparate };
  std::vector<IpAddress> addresses{};  // of the target's host; empty while its name has none
  std::uint16_t port = 0;              // of the backend; 0: the public port itself
  bool shifted = false;                // port + (public port - lowest UDP port of the service)
  Header header = Header::kNone;
  bool transparent = false;        // the backend is to see the client itself as the sender: without header
  std::uint32_t max_sessions = 0;  // at once; 0: no limit of its own
  std::uint32_t max_sessions_per_source = 0;  // at once from one source prefix; 0: no limit of its own
  bool draining = false;                      // takes no new session
  bool operator==(const DirectService&) const = default;
};

/// A service as the edge needs to know it.
struct AssignedService {
  std::string name;
  PortSet ports{};                        // TCP
  PortSet udp_ports{};                    // UDP
  Duration udp_idle{};                    // whole milliseconds; 0 without UDP ports
  std::optional<DirectService> direct{};  // without UDP ports there is none
  bool operator==(const AssignedService&) const = default;
};

/// What the hub assigns: the answer to the EDGE line, and the payload of CONFIG.
struct Assignment {
  std::vector<std::uint16_t>
      listen_ports;  // `listenPorts`, every TCP port, for peers of the published protocol
  std::vector<std::uint16_t> listen_ports_udp{};  // `listenPortsUdp`, every UDP port, for the same peers
  std::uint32_t stun_interval_s = 300;            // `stunIntervalSecs`
  /// `penstock`: present when the hub speaks our version.
  struct Extension {
    std::uint32_t version = 1;
    std::vector<std::string> features;
    std::uint64_t instance = 0;    // random per start of the hub
    std::uint64_t generation = 0;  // grows with every change while the instance lives
    std::uint32_t carriers = 0;    // that a tunnel may have; 0: not said
    std::vector<AssignedService> services;
    bool operator==(const Extension&) const = default;
  };
  std::optional<Extension> penstock;
  bool operator==(const Assignment&) const = default;
};
/// One line of JSON with its line feed. u64 values are JSON strings.
std::string to_line(const Assignment& assignment);
/// Reads the JSON (with or without line feed). Unknown keys are ignored, wrong types refused naming the key.
Result<Assignment> parse_assignment(std::string_view json);
/// All TCP ports: of the services when the extension is there, else listen_ports.
PortSet ports_of(const Assignment& assignment);
/// The same of UDP.
PortSet udp_ports_of(const Assignment& assignment);

/// What the hub says instead of an assignment: {"error":"auth_failed","message":"..."} and a line feed.
struct Refusal {
  std::string reason;  // label of abi/reasons.h
  std::string message;
  bool operator==(const Refusal&) const = default;
};
std::string to_line(const Refusal& refusal);
/// Nothing when the line is not a refusal.
std::optional<Refusal> parse_refusal(std::string_view json);

}  // namespace penstock
