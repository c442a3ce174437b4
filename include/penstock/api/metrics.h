/* The metrics of GET /metrics, one table: the page's names, labels and helps, and those of admin.md. */
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

namespace penstock::api {

enum class MetricKind { kCounter, kGauge };

struct Metric {
  std::string_view name;
  MetricKind kind;
  std::array<std::string_view, 5> labels;  // names, in the order of their values; unused ones are empty
  std::string_view help;

  constexpr std::size_t label_count() const {
    return static_cast<std::size_t>(std::find(labels.begin(), labels.end(), std::string_view{}) -
                                    labels.begin());
  }
};

// X(constant, kind, name, help, labels...). Counters begin at 0 when the daemon starts and end in _total.
#define PENSTOCK_METRICS(X)                                                                                 \
  X(kUp, kGauge, "penstock_up", "1 while the daemon answers")                                               \
  X(kBuildInfo, kGauge, "penstock_build_info", "1; the label tells the version", "version")                 \
  X(kReady, kGauge, "penstock_ready", "1 while GET /ready answers 200, else 0")                             \
  X(kFlowsOpen, kGauge, "penstock_flows_open", "TCP connections that are open now")                         \
  X(kFlowsTotal, kCounter, "penstock_flows_total", "TCP connections opened")                                \
  X(kSessionsOpen, kGauge, "penstock_sessions_open", "UDP sessions that are open now")                      \
  X(kSessionsTotal, kCounter, "penstock_sessions_total", "UDP sessions opened")                             \
  X(kDatagramsTotal, kCounter, "penstock_datagrams_total",                                                  \
    "datagrams of a service that were received, sent or dropped at a hop of the ledger", "service", "hop",  \
    "outcome")                                                                                              \
  X(kDatagramsDroppedTotal, kCounter, "penstock_datagrams_dropped_total",                                   \
    "datagrams of a service dropped at a hop of the ledger for a reason of docs/reasons.md", "service",     \
    "hop", "reason")                                                                                        \
  X(kPacketsTotal, kCounter, "penstock_packets_total",                                                      \
    "packets that a kernel program ended with a reason of docs/reasons.md, since its maps were made",       \
    "program", "reason")                                                                                    \
  X(kBytesTotal, kCounter, "penstock_bytes_total", "payload bytes of TCP carried, to_backend or to_client", \
    "direction")                                                                                            \
  X(kReasonTotal, kCounter, "penstock_reason_total",                                                        \
    "flows, sessions, datagrams, carriers and ports that ended or were refused for a reason of "            \
    "docs/reasons.md",                                                                                      \
    "reason")                                                                                               \
  X(kWindowGrantedBytes, kGauge, "penstock_window_granted_bytes",                                           \
    "window granted to peers and not consumed yet, to_backend or to_client", "direction")                   \
  X(kEdgesConnected, kGauge, "penstock_edges_connected", "edges that have a tunnel to this hub")            \
  X(kCarriersUp, kGauge, "penstock_carriers_up", "carriers that are up, of all tunnels of this node")       \
  X(kCarrierRttSeconds, kGauge, "penstock_carrier_rtt_seconds", "round trip of a carrier's last PING",      \
    "edge", "carrier")                                                                                      \
  X(kQuicDoorTotal, kCounter, "penstock_quic_door_total",                                                   \
    "what came to the hub's QUIC port: handshakes accepted, retries, refused, stateless_resets, ignored "   \
    "packets",                                                                                              \
    "outcome")                                                                                              \
  X(kServiceFlowsOpen, kGauge, "penstock_service_flows_open",                                               \
    "TCP connections of a service that are open now", "service")                                            \
  X(kServiceFlowsTotal, kCounter, "penstock_service_flows_total", "TCP connections of a service opened",    \
    "service")                                                                                              \
  X(kServiceBytesTotal, kCounter, "penstock_service_bytes_total",                                           \
    "payload bytes of TCP of a service, to_backend or to_client", "service", "direction")                   \
  X(kPortState, kGauge, "penstock_port_state",                                                              \
    "1 for the state that a port range of a service has at an edge: listening, failed, pending or offline", \
    "edge", "service", "protocol", "ports", "state")

#define X(constant, kind, name, help, ...) \
  inline constexpr Metric constant{name, MetricKind::kind, {__VA_ARGS__}, help};
PENSTOCK_METRICS(X)
#undef X

inline constexpr std::array kMetrics = {
#define X(constant, ...) constant,
    PENSTOCK_METRICS(X)
#undef X
};

}  // namespace penstock::api
