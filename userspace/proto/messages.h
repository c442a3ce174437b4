// Payloads of the frames of stream 0 that only Penstock speaks, and of RESET.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/port_set.h"
#include "base/reason.h"

namespace penstock {

/// Text for or from a peer's log: made printable, then cut at 200 bytes.
std::string peer_text(std::string_view text);

/// RESET: u16 reason, then at most 200 bytes of text (made printable).
struct ResetMessage {
  Reason reason = PST_R_UNKNOWN;
  std::string text;
  bool operator==(const ResetMessage&) const = default;
};
std::vector<std::byte> to_bytes(const ResetMessage& message);
Result<ResetMessage> parse_reset(Bytes payload);

/// GOAWAY: u16 reason, u32 milliseconds until the peer may dial again (clamped), then at most 200 bytes of
/// text.
struct GoAwayMessage {
  Reason reason = PST_R_UNKNOWN;
  std::chrono::milliseconds retry_after{0};
  std::string text;
  bool operator==(const GoAwayMessage&) const = default;
};
std::vector<std::byte> to_bytes(const GoAwayMessage& message);
Result<GoAwayMessage> parse_go_away(Bytes payload);

/// The first byte of the connection id that an edge dials a carrier of QUIC by. A hub gives a carrier to the
/// worker of that number, modulo its workers, whatever it is made of: so it comes home by itself.
constexpr std::uint8_t steering_byte(std::uint64_t instance, std::uint32_t carrier) {
  return static_cast<std::uint8_t>(instance + carrier);
}

/// HELLO: JSON {"version":1,"role":"edge","dialer":true,"instance":"<u64>","carrier":0,"carriers":2,
/// "features":[...],"software":"penstock 0.1.0"}. Who dials and who is the edge are separate facts.
struct HelloMessage {
  std::uint32_t version = 1;
  std::string role = "edge";
  bool dialer = true;
  std::uint64_t instance = 0;  // random per start of the edge
  std::uint32_t carrier = 0;   // index of this carrier in the tunnel
  std::uint32_t carriers = 1;  // how many the edge means to open
  std::vector<std::string> features;
  std::string software;
  bool beside = false;  // the carrier that this one succeeds goes on until its flows end
  bool operator==(const HelloMessage&) const = default;
};
std::string to_json(const HelloMessage& message);
Result<HelloMessage> parse_hello(std::string_view json);

/// CONFIG_RESULT: JSON
/// {"generation":"<u64>","ok":["80","8000-8100"],"udp_ok":["53"],"failed":[{"ports":"22",
/// "reason":"port_denied","message":"..."},{"ports":"54","protocol":"udp",...}]}: what became of each
/// assigned port at the edge. At most kMaxPortFailures are told, and no more than kMaxJson has room for; an
/// edge names ranges rather than single ports. `udp_ok` is left out when empty, and a failure's `protocol`
/// for TCP.
struct PortFailure {
  PortRange ports;
  Reason reason = PST_R_UNKNOWN;
  std::string message{};
  bool udp = false;
  bool operator==(const PortFailure&) const = default;
};
struct ConfigResultMessage {
  std::uint64_t generation = 0;
  PortSet ok{};
  PortSet udp_ok{};
  std::vector<PortFailure> failed{};
  bool operator==(const ConfigResultMessage&) const = default;
};
std::string to_json(const ConfigResultMessage& message);
Result<ConfigResultMessage> parse_config_result(std::string_view json);

/// REPORT: JSON
/// {"datagrams":{"sent":"<u64>","sent_bytes":"<u64>","received":"<u64>","received_bytes":"<u64>"},
/// "streams":{"sent_bytes":"<u64>","received_bytes":"<u64>"}}: what an edge sent into the tunnel and received
/// from it since it started, in payload, over all carriers. Either part may be absent: nothing then.
struct ReportMessage {
  struct Datagrams {
    std::uint64_t sent = 0;
    std::uint64_t sent_bytes = 0;
    std::uint64_t received = 0;
    std::uint64_t received_bytes = 0;
    bool operator==(const Datagrams&) const = default;
  };
  struct Streams {
    std::uint64_t sent_bytes = 0;
    std::uint64_t received_bytes = 0;
    bool operator==(const Streams&) const = default;
  };
  Datagrams datagrams;
  Streams streams;
  bool operator==(const ReportMessage&) const = default;
};
std::string to_json(const ReportMessage& message);
Result<ReportMessage> parse_report(std::string_view json);

}  // namespace penstock
