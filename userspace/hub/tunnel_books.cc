#include "hub/tunnel_books.h"

namespace penstock {
namespace {

/// Numbers of a peer: they may go backwards when it is broken.
std::uint64_t since(std::uint64_t then, std::uint64_t now) {
  return now > then ? now - then : 0;
}

/// What the hub counted for an edge, in the edge's words: `sent` is what came from it.
ReportMessage counted_for(std::string_view edge, const std::vector<LedgerRow>& rows) {
  ReportMessage out;
  for (const LedgerRow& row : rows) {
    if (row.edge != edge) continue;
    if (row.flows) {
      (row.to_client ? out.streams.received_bytes : out.streams.sent_bytes) +=
          row.to_client ? row.sent_bytes : row.received_bytes;
    } else if (row.to_client) {
      out.datagrams.received += row.sent;
      out.datagrams.received_bytes += row.sent_bytes;
    } else {
      out.datagrams.sent += row.received;
      out.datagrams.sent_bytes += row.received_bytes;
    }
  }
  return out;
}

}  // namespace

void TunnelBooks::report(const std::string& edge, std::uint64_t instance, const ReportMessage& report,
                         const std::vector<LedgerRow>& rows, Time now) {
  Tunnel& tunnel = tunnels_[edge];
  const ReportMessage ours = counted_for(edge, rows);
  if (tunnel.instance != instance) {
    tunnel.instance = instance;
    tunnel.theirs_before = report;
    tunnel.ours_before = ours;
  }
  tunnel.theirs = report;
  tunnel.ours = ours;
  tunnel.reported = now;
}

std::vector<TunnelBook> TunnelBooks::list() const {
  std::vector<TunnelBook> out;
  for (const auto& [edge, tunnel] : tunnels_) {
    const auto& [then_datagrams, then_streams] = tunnel.theirs_before;
    const auto& [our_then_datagrams, our_then_streams] = tunnel.ours_before;
    const auto& [datagrams, streams] = tunnel.theirs;
    const auto& [our_datagrams, our_streams] = tunnel.ours;
    out.push_back({.edge = edge,
                   .sent = since(then_datagrams.sent, datagrams.sent),
                   .sent_bytes = since(then_datagrams.sent_bytes, datagrams.sent_bytes),
                   .received = since(our_then_datagrams.sent, our_datagrams.sent),
                   .received_bytes = since(our_then_datagrams.sent_bytes, our_datagrams.sent_bytes),
                   .reported = tunnel.reported});
    out.push_back({.edge = edge,
                   .to_client = true,
                   .sent = since(our_then_datagrams.received, our_datagrams.received),
                   .sent_bytes = since(our_then_datagrams.received_bytes, our_datagrams.received_bytes),
                   .received = since(then_datagrams.received, datagrams.received),
                   .received_bytes = since(then_datagrams.received_bytes, datagrams.received_bytes),
                   .reported = tunnel.reported});
    out.push_back({.edge = edge,
                   .streams = true,
                   .sent_bytes = since(then_streams.sent_bytes, streams.sent_bytes),
                   .received_bytes = since(our_then_streams.sent_bytes, our_streams.sent_bytes),
                   .reported = tunnel.reported});
    out.push_back({.edge = edge,
                   .streams = true,
                   .to_client = true,
                   .sent_bytes = since(our_then_streams.received_bytes, our_streams.received_bytes),
                   .received_bytes = since(then_streams.received_bytes, streams.received_bytes),
                   .reported = tunnel.reported});
  }
  return out;
}

}  // namespace penstock
