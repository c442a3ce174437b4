/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * Why a flow, a carrier or a packet ended where it did: the one table from which the enum, the counters, the
 * metric labels, the RESET frame, the events and docs/reasons.md come. Compiled as C and as C++.
 *
 * A number, once published, never changes its meaning: it travels in RESET frames. New reasons go to the end
 * of their group; a receiver treats an unknown number as PST_R_UNKNOWN.
 */
#ifndef PENSTOCK_ABI_REASONS_H
#define PENSTOCK_ABI_REASONS_H

/* X(id, number, label, help) */
/* clang-format off: a table, one row a reason */
#define PST_REASONS(X)                                                                                    \
  X(UNKNOWN, 0, "unknown", "a reason that this version does not know")                                    \
  X(COMPLETED, 1, "completed", "both directions ended in order")                                          \
  /* flows: how one ended, or why it was refused */                                                       \
  X(CLIENT_RESET, 16, "client_reset", "the client reset the connection")                                  \
  X(BACKEND_RESET, 17, "backend_reset", "the backend reset the connection")                               \
  X(CLIENT_VANISHED, 18, "client_vanished", "the client no longer answers keepalive probes")              \
  X(BACKEND_VANISHED, 19, "backend_vanished", "the backend no longer answers keepalive probes")           \
  X(DIAL_FAILED, 20, "dial_failed", "the backend refused the connection or is unreachable")               \
  X(DIAL_TIMEOUT, 21, "dial_timeout", "the backend did not accept in time")                               \
  X(NO_ADDRESS, 22, "no_address", "the name of the service's target has no address yet")                  \
  X(NOT_ASSIGNED, 23, "not_assigned", "the port is not assigned to that edge")                            \
  X(SERVICE_REMOVED, 24, "service_removed", "the service was removed or no longer has that port")         \
  X(SERVICE_DRAINING, 25, "service_draining", "the service is draining and takes no new flow")            \
  X(LIMIT_SOURCE, 26, "limit_source", "the source has as many flows or sessions as one source may")       \
  X(LIMIT_SERVICE, 27, "limit_service", "the service has as many flows or sessions as it may")            \
  X(LIMIT_TOTAL, 28, "limit_total", "the node has as many flows or sessions as it may")                   \
  X(WINDOW_BUDGET, 29, "window_budget", "the memory set aside for windows is used up")                    \
  X(WINDOW_EXCEEDED, 30, "window_exceeded", "the peer sent more than it was granted")                     \
  X(IDLE_TIMEOUT, 31, "idle_timeout", "nothing came in either direction for the idle time")               \
  X(HALF_CLOSED_TIMEOUT, 32, "half_closed_timeout", "one direction ended, the other was silent too long") \
  X(TUNNEL_DOWN, 33, "tunnel_down", "there was no tunnel, nor one in the time that connections are held") \
  X(TUNNEL_LOST, 34, "tunnel_lost", "the carrier was lost while the flow was on it")                      \
  X(HOLD_FULL, 35, "hold_full", "as many connections as may be are held for the tunnel")                  \
  X(SOCKET_ERROR, 36, "socket_error", "the operating system refused a socket operation")                  \
  X(BAD_OPEN, 37, "bad_open", "the OPEN frame's addresses cannot be read")                                \
  /* sessions and datagrams: how a session ended, why a datagram was dropped */                           \
  X(NO_SESSION, 40, "no_session", "a datagram of the tunnel for a session that is not open")              \
  X(STALE_SESSION, 41, "stale_session", "a datagram of the tunnel for a session that has ended")          \
  X(STRAY, 42, "stray", "a datagram came to a backend-side port from no session's backend")               \
  X(BAD_SOURCE, 43, "bad_source", "a datagram came from an address that no client can have")              \
  X(TOO_LARGE, 44, "too_large", "the datagram with its PROXY header is more than UDP carries")            \
  X(QUEUE_FULL, 45, "queue_full", "the carrier's queue of datagrams was full")                            \
  X(OVERRUN, 46, "overrun", "a socket's receive buffer was full and the system dropped the datagram")     \
  X(SEND_FAILED, 47, "send_failed", "the operating system did not send the datagram")                     \
  X(UNREPLIED, 48, "unreplied", "it fell silent before its backend answered and its client sent again")   \
  X(EVICTED, 49, "evicted", "the session made room for a new one, as the oldest that was not assured")    \
  X(NO_BACKEND_PORT, 50, "no_backend_port", "all ports towards that backend are in use or resting")       \
  X(FORGED, 51, "forged", "a datagram for the steering sockets that the kernel programs did not make")    \
  X(BLOCKED, 52, "blocked", "the guard's list blocks the source")                                         \
  X(RATE_SOURCE, 53, "rate_source", "the source sent more datagrams than guard.source_rate")              \
  X(RATE_SERVICE, 54, "rate_service", "the service was sent more datagrams than guard.service_rate")      \
  X(RATE_NEW_SOURCE, 55, "rate_new_source", "the source opened sessions faster than guard.new_source")    \
  X(RATE_NEW_TOTAL, 56, "rate_new_total", "sessions were opened faster than guard.new_total")             \
  X(MALFORMED, 57, "malformed", "a header's length, or a checksum, contradicts the packet")               \
  X(NO_NEXT_HOP, 58, "no_next_hop", "the kernel program had no way towards the address")                  \
  X(SOURCE_TAKEN, 59, "source_taken", "the client has another session with that backend already")         \
  X(FAMILY_MISMATCH, 60, "family_mismatch", "client and backend differ in family: not transparent")       \
  X(NOT_TRANSPARENT, 61, "not_transparent", "this node cannot send to that backend as the client")        \
  X(UNDELIVERABLE, 62, "undeliverable", "a transparent session's answer that no program can send on")     \
  /* carriers: how one ended, or why it was refused */                                                    \
  X(AUTH_FAILED, 64, "auth_failed", "unknown edge or wrong secret")                                       \
  X(AUTH_RATE, 65, "auth_rate", "too many failed attempts from that source")                              \
  X(BAD_HANDSHAKE, 66, "bad_handshake", "the EDGE line or the hub's answer cannot be read")               \
  X(HANDSHAKE_TIMEOUT, 67, "handshake_timeout", "TLS and handshake lines took too long")                  \
  X(HANDSHAKE_LIMIT, 68, "handshake_limit", "too many unfinished handshakes, of the source or in total")  \
  X(TLS_FAILED, 69, "tls_failed", "the TLS handshake or a record failed")                                 \
  X(PIN_MISMATCH, 70, "pin_mismatch", "the hub's key has none of the pinned fingerprints")                \
  X(PROTOCOL_ERROR, 71, "protocol_error", "the peer sent a frame that the protocol forbids")              \
  X(PEER_SILENT, 72, "peer_silent", "nothing was heard from the peer for the time it may be silent")      \
  X(PEER_CLOSED, 73, "peer_closed", "the peer closed the connection")                                     \
  X(PEER_UNREACHABLE, 74, "peer_unreachable", "no address of the hub could be reached")                   \
  X(REPLACED, 75, "replaced", "another instance of the same edge took its place")                         \
  X(EDGE_REMOVED, 76, "edge_removed", "the edge was removed")                                             \
  X(DRAINING, 77, "draining", "the node is draining")                                                     \
  X(SHUTDOWN, 78, "shutdown", "the node stopped")                                                         \
  X(CARRIER_LIMIT, 79, "carrier_limit", "the tunnel has as many carriers as it may")                      \
  X(LATE_FRAME, 80, "late_frame", "a frame for a stream that was opened and is gone")                     \
  /* ports: why an edge does not listen */                                                                \
  X(PORT_DENIED, 96, "port_denied", "the edge's own policy forbids the port")                             \
  X(PORT_IN_USE, 97, "port_in_use", "another program listens on the port")                                \
  X(BIND_FAILED, 98, "bind_failed", "the operating system refused to listen on the port")                 \
  X(ACCEPT_FAILED, 99, "accept_failed", "accepting failed, mostly for want of descriptors")               \
  /* packets: what the kernel programs did with one, other than dropping it */                            \
  X(STEERED, 104, "steered", "handed to its session's steering socket, or taken from there")              \
  X(FORWARDED, 105, "forwarded", "sent on by the kernel alone, towards the backend or the client")        \
  X(DELIVERED, 106, "delivered", "handed to a backend on this host")                                      \
  X(NEW_PATH, 107, "new_path", "left to the port's socket: no session has that path yet")                 \
  X(NOT_OURS, 108, "not_ours", "left alone: not UDP, or for no assigned port and of no session")          \
  X(FRAGMENT, 109, "fragment", "left to the system, which puts fragments together")                       \
  X(IP_OPTIONS, 110, "ip_options", "left to the system: it has IP options or extension headers")          \
  X(OVER_MTU, 111, "over_mtu", "left to a socket: with its header it is longer than the way takes")       \
  X(TOLD_MTU, 112, "told_mtu", "answered with ICMP: with its header it is longer than the way takes")     \
  X(TTL_EXPIRED, 113, "ttl_expired", "left to the system, which tells the sender")                        \
  X(TO_SOCKET, 114, "to_socket", "left to its session's socket, as the program may not change its length")

/* clang-format on */
#define X(id, number, label, help) PST_R_##id = number,
enum pst_reason { PST_REASONS(X) PST_R_MAX = 128 };
#undef X

#endif
