// The configuration of one node: read from a TOML file, environment and flags, validated whole, never
// half-accepted.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/address_prefix.h"
#include "base/error.h"
#include "base/port_set.h"
#include "config/service.h"

namespace penstock {

using namespace std::chrono_literals;

struct NodeConfig {
  std::string name;                             // default: the host's name
  std::uint32_t workers = 0;                    // threads that carry traffic; 0: one per core
  std::string state_dir = "/var/lib/penstock";  // the hub's key, the store
  std::string user;                             // user to become after start as root; empty: stay
  std::string log_level = "info";               // debug, info, warning or error
  std::string access_log;                       // file for one JSON line per flow; empty: off
  Duration drain = 30s;                         // how long SIGTERM waits for flows to end
  bool operator==(const NodeConfig&) const = default;
};

struct AdminConfig {
  std::string socket = "/run/penstock/admin.sock";  // unix socket, mode 0600
  std::optional<Endpoint> http;  // /live, /ready, /metrics only; loopback unless http_public
  bool http_public = false;      // permits an `http` address that is not loopback
  bool operator==(const AdminConfig&) const = default;
};

/// What is limited so that no stranger and no broken peer can exhaust the node.
struct LimitsConfig {
  std::uint32_t flows = 12288;                // TCP connections at once on this node
  std::uint32_t flows_per_source = 1024;      // ... of one source prefix
  std::uint32_t sessions = 131072;            // UDP sessions at once on this node
  std::uint32_t sessions_per_source = 16384;  // ... of one source prefix
  int source_prefix_v4 = 32;                  // bits that make a source
  int source_prefix_v6 = 64;
  std::uint32_t handshakes = 256;  // unfinished at once (hub)
  std::uint32_t handshakes_per_source = 32;
  std::uint32_t auth_failures_per_minute = 10;  // per source; then refused unheard
  std::uint64_t window_budget = 256ULL << 20;   // bytes granted and not consumed, per direction
  std::uint32_t held_connections = 1000;        // waiting for a tunnel (edge)
  std::uint32_t carriers_per_tunnel = 64;
  std::uint32_t backend_sockets = 16384;   // UDP, per address family; one serves a session of a backend
  std::uint32_t datagram_queue = 1 << 20;  // bytes of datagrams that wait, per carrier
  bool operator==(const LimitsConfig&) const = default;
};

/// How QUIC shares a path with others.
enum class Congestion { kBbr, kCubic, kReno };

struct TunnelConfig {
  Duration ping = 5s;                            // silence after which a peer is asked
  Duration timeout = 15s;                        // silence after which a peer is given up
  Duration handshake = 10s;                      // TLS and the handshake lines together
  std::uint32_t send_queue = 128 << 10;          // bytes unsent in the kernel per carrier (TCP_NOTSENT_LOWAT)
  Congestion congestion = Congestion::kBbr;      // of QUIC
  std::uint64_t sustained_rate = 2441ULL << 10;  // bytes a second above which a flow is fast; 0: none is
  Duration sustained_after = 10s;                // of being fast, until it stands behind the others
  std::uint64_t sustained_least = 1ULL << 20;    // bytes a second that such flows have together all the same
  Duration fallback = 5s;                        // time for QUIC to come up before TLS is tried (edge)
  Duration quic_retry = 60s;                     // how often QUIC is tried while TLS carries (edge)
  bool operator==(const TunnelConfig&) const = default;
};

struct FlowConfig {
  Duration dial = 5s;         // to connect to a backend
  Duration half_closed = 1h;  // silence after one direction ended
  Duration keepalive =
      60s;  // idle time before the first probe; then every keepalive_interval, keepalive_probes times
  Duration keepalive_interval = 15s;
  int keepalive_probes = 4;
  Duration hold = 2s;         // how long a new connection waits for a tunnel (edge)
  Duration unreplied = 10s;   // silence that ends a UDP session until backend and client have answered
  Duration quarantine = 60s;  // how long a backend-side UDP port rests towards that backend (hub)
  bool operator==(const FlowConfig&) const = default;
};

/// 10000-32767 and 61000-65535: outside of what Linux gives to sockets that ask for no port in particular.
PortSet default_source_ports();

/// How UDP is taken to the right place, and by what the kernel programs do it.
struct SteeringConfig {
  enum class Mode { kAuto, kKernel, kSocket };
  Mode mode = Mode::kAuto;  // auto: kernel programs, or sockets where they cannot be had
  std::vector<std::string>
      interfaces;  // that programs are attached to; empty: every Ethernet one that is up, but no bridge
  std::string pins = "/sys/fs/bpf/penstock";      // folder on a bpf filesystem, one of the node's name within
  std::string device = "penstock";                // the private pair of devices: this with 0 and 1 behind
  IpAddress network = IpAddress::v4(0xC6120000);  // 198.18.0.0/15: addresses of frames, nobody else's
  int network_bits = 15;
  PortSet source_ports = default_source_ports();  // of a hub towards backends
  bool operator==(const SteeringConfig&) const = default;
};

/// Limits on datagrams to public UDP ports, kept by the kernel programs; 0: no limit.
struct GuardConfig {
  std::uint32_t source_rate = 0;   // datagrams a second of one source prefix (limits.source_prefix_v4, _v6)
  std::uint32_t source_burst = 0;  // at once; 0: a second's worth, here and below
  std::uint32_t service_rate = 0;  // to one service
  std::uint32_t service_burst = 0;
  std::uint32_t new_source_rate = 1000;  // that belong to no session yet, of one source prefix
  std::uint32_t new_source_burst = 0;
  std::uint32_t new_total_rate = 100000;  // ... of all sources
  std::uint32_t new_total_burst = 0;
  bool operator==(const GuardConfig&) const = default;
};

/// An edge declared in the hub's file; others live in the store.
struct DeclaredEdge {
  std::string id;
  std::string secret_file;  // 0600, at least 16 bytes
  bool operator==(const DeclaredEdge&) const = default;
};

struct HubConfig {
  std::vector<Endpoint> listen;            // where edges dial; default [::]:8443 (which takes IPv4 too)
  std::optional<HostPort> public_address;  // `public`: HOST:PORT that new tokens tell edges to dial
  std::string certificate;  // PEM files of the operator's own; empty: generated and kept in state_dir
  std::string key;
  bool quic = true;  // QUIC too, on the same ports of UDP
  std::vector<DeclaredEdge> edges;
  bool operator==(const HubConfig&) const = default;
};

struct EdgeConfig {
  enum class Carrier { kTls, kQuic, kQuicWithFallback };
  std::string token_file;  // 0600; instead of hub, id, secret_file and pins
  std::optional<HostPort> hub;
  std::string id;
  std::string secret_file;        // 0600
  std::vector<std::string> pins;  // SHA-256 of the hub's public key, base64url, 43 characters each
  std::string ca_file;            // verify the hub by this CA and ...
  std::string hub_name;           // ... this name; default: the host of `hub`
  bool insecure_accept_any_hub = false;
  Carrier carrier = Carrier::kQuicWithFallback;
  std::uint32_t carriers = 0;            // connections to the hub; 0: one per worker
  std::vector<IpAddress> bind;           // addresses of public ports; default [0.0.0.0, ::]
  PortSet ports_allow;                   // default 1-65535
  PortSet ports_deny;                    // default 22
  std::vector<AddressPrefix> direct_to;  // where `direct` services' backends may be; empty: nowhere
  bool operator==(const EdgeConfig&) const = default;
};

/// Where a declared object stands, to tell the operator which file and line to edit.
struct Position {
  std::string file;
  std::uint32_t line = 0;
  bool operator==(const Position&) const = default;
};
/// "file:line", or "" for an object that no file declares.
std::string to_string(const Position& position);

struct Config {
  NodeConfig node;
  AdminConfig admin;
  LimitsConfig limits;
  TunnelConfig tunnel;
  FlowConfig flow;
  SteeringConfig steering;
  GuardConfig guard;
  std::optional<HubConfig> hub;  // present: the node has this role
  std::optional<EdgeConfig> edge;
  std::vector<Service> services;                      // declared [[service]]s, hub only
  std::map<std::string, Position> service_positions;  // by name
  std::map<std::string, Position> edge_positions;     // by edge id
  bool operator==(const Config&) const = default;
};

/// Environment as name -> value; only names that begin with PENSTOCK_ are looked at.
using Environment = std::map<std::string, std::string>;
/// `section.key` -> value, from command line flags; they win over the environment, which wins over the file.
using Overrides = std::map<std::string, std::string>;

/// Reads and validates. Errors read "file:line: key: what is wrong" (or name the variable or flag).
Result<Config> load_config(const std::string& path, const Environment& environment,
                           const Overrides& overrides);
/// The same from text; `path` is for messages only. Opens no file.
Result<Config> parse_config(std::string_view text, const std::string& path, const Environment& environment,
                            const Overrides& overrides);
/// What differs and cannot be changed by reload, as keys such as "node.workers"; empty when all can.
std::vector<std::string> restart_only_changes(const Config& running, const Config& wanted);
/// Brings `running` to what is wanted of all that reload can change, but for services and edges; returns the
/// keys that differed.
std::vector<std::string> take_reloadable(Config& running, const Config& wanted);

}  // namespace penstock
