// From a session to the carrier that takes what it has to say, and to the next one.
#include "edge/edge_sessions.h"
#include "proto/proxy_header.h"

namespace penstock {

void EdgeSessions::forward(Session& session, Bytes payload) {
  Extra& known = extra(session);
  LedgerLine& line = to_backend(ledger_of(known), known.direct);
  if (known.direct) return direct_.to_backend(session, payload, line);
  if (payload.size() > wire::kMaxDatagram) return drop(line, PST_R_TOO_LARGE, payload.size());
  EdgeCarrier* const carrier = carrier_for(session);
  if (carrier == nullptr) return drop(line, PST_R_TUNNEL_DOWN, payload.size());
  const std::uint32_t id = wire::kSessionBit | session.id.value();
  const bool open = is_open_on(known, *carrier);
  if (open && (known.acknowledged || !carrier->carrier()->loses_datagrams())) {
    if (!carrier->carrier()->send_datagram(FrameType::kUdpData, id, payload, line))
      drop(line, PST_R_QUEUE_FULL, payload.size());
    return;
  }
  const auto header = proxy_v2_datagram({.client = session.path.remote, .local = session.path.local});
  if (!carrier->carrier()->open_session(id, header.view(), payload, line))
    return drop(line, PST_R_QUEUE_FULL, payload.size());
  if (open) return;
  known.acknowledged = false;
  known.carrier = carrier->serial();
  known.slot = static_cast<std::uint16_t>(carrier->index());
}

/// The one that takes what it has to say; null while there is none.
EdgeCarrier* EdgeSessions::carrier_for(const Session& session) {
  const Extra& known = extra(session);
  return known.carrier == 0 ? carriers_.any_carrier(session.id.slot())
                            : carriers_.carrier_in(known.slot, known.carrier);
}

/// To the carrier that its slot has now: the next to say something may be the backend. One that nobody has
/// answered waits for its client. The hub confirms what it knows; else it opens with the next datagram.
void EdgeSessions::follow(Session& session) {
  Extra& known = extra(session);
  if (known.direct || session.state() == SessionState::kUnreplied) return;
  EdgeCarrier* const carrier = carrier_for(session);
  if (carrier == nullptr || is_open_on(known, *carrier) || known.asked == carrier->serial() ||
      !carrier->moves_sessions())
    return;
  const auto header = proxy_v2_datagram({.client = session.path.remote, .local = session.path.local});
  if (carrier->carrier()->move_session(wire::kSessionBit | session.id.value(), header.view()))
    known.asked = carrier->serial();
}

}  // namespace penstock
