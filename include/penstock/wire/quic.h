/*
 * The tunnel over QUIC, node to node; the normative page is tunnel.md beside this file. All numbers are
 * big-endian.
 *
 * Bidirectional stream 0 is the control stream: the text handshake, then frames (frame.h) of the tunnel
 * itself and of sessions. Every flow is a stream of the edge's:
 *
 *   0   1       3
 *   +---+-------+--------------+----------------------
 *   |01 | n u16 | PROXY v1 (n) | bytes of the client
 *   +---+-------+--------------+----------------------
 *
 * A datagram (RFC 9221) belongs to one session, whose id is 30 bits:
 *
 *   0 2            4
 *   +-+------------+-------------------------------------
 *   |t| session id | by t, see QuicDatagramType
 *   +-+------------+-------------------------------------
 *
 * One that is too long even for fragments takes a stream of its own, of either side, that begins with 0x0c
 * and ends behind it.
 */
#pragma once

#include <cstddef>
#include <cstdint>

#include "frame.h"

namespace penstock::wire {

/// Two bits in front of a datagram's session id.
enum class QuicDatagramType : std::uint8_t {
  kData = 0,      // payload
  kOpen = 1,      // edge -> hub: PROXY v2 header, payload; until the hub has acknowledged the session
  kFragment = 2,  // u16 number, u8 index, u8 count, part of a datagram of the types above
};

inline constexpr std::size_t kQuicDatagramHead = 4;
inline constexpr std::size_t kQuicFragmentHead = 8;  // the datagram's head among them
inline constexpr std::size_t kMaxQuicFragments = 4;
/// The longest datagram of types 0 and 1: head, PROXY v2 header and payload.
inline constexpr std::size_t kMaxQuicDatagram = kQuicDatagramHead + kMaxUdpOpen + kMaxDatagram;
inline constexpr std::size_t kQuicOpenHead = 3;  // of a flow's stream: type and length of the line

}  // namespace penstock::wire
