/*
 * The frame of the tunnel, node to node: 9 bytes of header, then the payload. The normative page is tunnel.md
 * beside this file. All numbers are big-endian.
 *
 *   0               4   5               9
 *   +---------------+---+---------------+------------------
 *   | stream id u32 |typ| length u32    | payload
 *   +---------------+---+---------------+------------------
 */
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace penstock::wire {

inline constexpr std::size_t kHeaderSize = 9;
/// In penstock mode set in every id of a session and in no id of a stream.
inline constexpr std::uint32_t kSessionBit = 0x80000000;
/// Largest DATA payload that we send: with its header it fills one TLS record.
inline constexpr std::uint32_t kMaxDataSent = 16384 - kHeaderSize;
/// Largest payload that we accept, of any frame (DATA is streamed through, never held whole).
inline constexpr std::uint32_t kMaxPayload = 16U << 20;
/// Longest idle time of a service's UDP sessions that an assignment may name, in milliseconds: a day.
inline constexpr std::uint32_t kMaxUdpIdleMs = 24 * 3600 * 1000;
inline constexpr std::uint32_t kMaxJson = 1U << 20;  // CONFIG, CONFIG_RESULT, REPORT and the hub's answer
inline constexpr std::uint32_t kMaxHello = 4096;
inline constexpr std::uint32_t kMaxOpen = 107;  // a PROXY v1 line
inline constexpr std::uint32_t kMaxResetText = 200;
inline constexpr std::uint32_t kMaxReset = 2 + kMaxResetText;
inline constexpr std::uint32_t kMaxGoAway = 6 + kMaxResetText;
inline constexpr std::uint32_t kMaxPing = 64;           // ours carry 8 bytes
inline constexpr std::uint32_t kMinUdpOpen = 28;        // a PROXY v2 header of IPv4
inline constexpr std::uint32_t kMaxUdpOpen = 52;        // ... and of IPv6
inline constexpr std::uint32_t kMaxDatagram = 65507;    // the largest that UDP over IPv4 carries
inline constexpr std::size_t kMaxPortFailures = 1024;   // in one CONFIG_RESULT
inline constexpr std::size_t kMaxPortRanges = 32768;    // in one list: no set of ports has more
inline constexpr std::size_t kMaxAddresses = 16;        // of one target
inline constexpr std::size_t kMaxFeatures = 32;         // each a name
inline constexpr std::size_t kMaxJsonDepth = 8;         // objects and arrays within one another
inline constexpr std::size_t kMaxEdgeLine = 512;        // the EDGE line with its line feed
inline constexpr std::uint32_t kInitialCredit = 16384;  // per stream and direction, in penstock mode

/// Types 0x01 to 0x0e are the published protocol's; the others need the peer's word that it speaks ours.
enum class FrameType : std::uint8_t {
  kOpen = 0x01,              // edge -> hub: PROXY v1 line
  kData = 0x02,              // edge -> hub: bytes of the client
  kClose = 0x03,             // edge -> hub: the client sends no more
  kDataBack = 0x04,          // hub -> edge: bytes of the backend
  kCloseBack = 0x05,         // hub -> edge: the backend sends no more
  kConfig = 0x06,            // hub -> edge, stream 0: JSON
  kPing = 0x07,              // stream 0; ours carry 8 bytes to be echoed
  kPong = 0x08,              // stream 0; echoes the PING's payload
  kWindowUpdate = 0x09,      // edge -> hub: u32, the edge consumed so many bytes of DATA_BACK
  kWindowUpdateBack = 0x0a,  // hub -> edge: u32, the hub consumed so many bytes of DATA
  kUdpOpen = 0x0b,           // edge -> hub: PROXY v2 header
  kUdpData = 0x0c,           // edge -> hub: one datagram of the client
  kUdpDataBack = 0x0d,       // hub -> edge: one datagram of the backend
  kUdpClose = 0x0e,          // either: the session ended for want of traffic
  kReset = 0x0f,             // either: u16 reason, text; the stream or session ends at once
  kHello = 0x10,             // edge -> hub, stream 0, its first frame: JSON
  kConfigResult = 0x11,      // edge -> hub, stream 0: JSON, what became of each port
  kReport = 0x12,            // stream 0: JSON, counters
  kGoAway = 0x13,            // stream 0: u16 reason, u32 ms until the peer may dial again, text
  kUdpOpenAck = 0x14,        // hub -> edge: the session is open at the hub
  kUdpMove = 0x15,           // edge -> hub: PROXY v2 header; the session goes on here (kFeatureUdpMove)
};

// Features: additions that both sides must have named.
inline constexpr std::string_view kFeatureUdpMove = "udp_move";

}  // namespace penstock::wire
