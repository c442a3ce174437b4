#include "proto/messages.h"

#include <penstock/wire/frame.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <limits>

#include "base/text.h"
#include "proto/json.h"

namespace penstock {
namespace {

namespace json = boost::json;

void append_text(std::vector<std::byte>& out, std::string_view text) {
  const std::string safe = peer_text(text);
  const Bytes bytes = as_bytes(safe);
  out.insert(out.end(), bytes.begin(), bytes.end());
}

Result<void> check_size(Bytes payload, std::size_t least, std::size_t most) {
  if (payload.size() >= least && payload.size() <= most) return {};
  return error(Errc::kInvalid, "a payload of " + std::to_string(payload.size()) + " bytes is not " +
                                   std::to_string(least) + " to " + std::to_string(most) + " long");
}

Reason reason_of(std::string_view label) {
  const auto found = std::find_if(kReasons.begin(), kReasons.end(),
                                  [&](const ReasonInfo& info) { return info.label == label; });
  return found == kReasons.end() ? PST_R_UNKNOWN : found->reason;
}

json::object to_json(const PortFailure& failure) {
  json::object out{{"ports", failure.ports.to_string()}};
  if (failure.udp) out["protocol"] = "udp";
  out["reason"] = label_of(failure.reason);
  out["message"] = peer_text(failure.message);
  return out;
}

/// As many of the failures as may be told, in `bytes` of JSON.
json::array failures_within(const std::vector<PortFailure>& failures, std::size_t bytes) {
  json::array out;
  for (const PortFailure& failure : failures) {
    json::object one = to_json(failure);
    const std::size_t needed = json::serialize(one).size() + 1;  // and a comma
    if (out.size() == wire::kMaxPortFailures || needed > bytes) break;
    bytes -= needed;
    out.push_back(std::move(one));
  }
  return out;
}

PortFailure read_failure(const JsonNode& node) {
  PortFailure failure{.ports = node.key("ports").port_range(),
                      .reason = reason_of(node.key("reason").text()),
                      .message = peer_text(node.key("message").text())};
  if (!node.has("protocol")) return failure;
  const std::string protocol = node.key("protocol").text();
  failure.udp = protocol == "udp";
  if (protocol != "udp" && protocol != "tcp") node.key("protocol").fail("must be \"tcp\" or \"udp\"");
  return failure;
}

}  // namespace

std::string peer_text(std::string_view text) {
  std::string out = printable(text, wire::kMaxResetText);
  if (out.size() > wire::kMaxResetText) out.resize(wire::kMaxResetText);
  return out;
}

std::vector<std::byte> to_bytes(const ResetMessage& message) {
  std::vector<std::byte> out(2);
  store_u16(out.data(), static_cast<std::uint16_t>(message.reason));
  append_text(out, message.text);
  return out;
}

Result<ResetMessage> parse_reset(Bytes payload) {
  if (const auto fits = check_size(payload, 2, wire::kMaxReset); !fits) return fits.error();
  return ResetMessage{reason_from_wire(load_u16(payload.data())), peer_text(as_text(payload.subspan(2)))};
}

std::vector<std::byte> to_bytes(const GoAwayMessage& message) {
  using Limits = std::numeric_limits<std::uint32_t>;
  const auto wait = std::clamp<std::chrono::milliseconds::rep>(message.retry_after.count(), 0, Limits::max());
  std::vector<std::byte> out(6);
  store_u16(out.data(), static_cast<std::uint16_t>(message.reason));
  store_u32(out.data() + 2, static_cast<std::uint32_t>(wait));
  append_text(out, message.text);
  return out;
}

Result<GoAwayMessage> parse_go_away(Bytes payload) {
  if (const auto fits = check_size(payload, 6, wire::kMaxGoAway); !fits) return fits.error();
  return GoAwayMessage{reason_from_wire(load_u16(payload.data())),
                       std::chrono::milliseconds{load_u32(payload.data() + 2)},
                       peer_text(as_text(payload.subspan(6)))};
}

std::string to_json(const HelloMessage& message) {
  json::object out{{"version", message.version},
                   {"role", message.role},
                   {"dialer", message.dialer},
                   {"instance", std::to_string(message.instance)},
                   {"carrier", message.carrier},
                   {"carriers", message.carriers},
                   {"features", json::array(message.features.begin(), message.features.end())},
                   {"software", peer_text(message.software)}};
  if (message.beside) out["beside"] = true;
  return json::serialize(out);
}

Result<HelloMessage> parse_hello(std::string_view json) {
  JsonDocument document{json, wire::kMaxHello};
  const JsonNode root = document.root();
  HelloMessage message{.version = root.key("version").number<std::uint32_t>(1),
                       .role = root.key("role").text(),
                       .dialer = root.key("dialer").boolean(),
                       .instance = root.key("instance").u64(),
                       .carrier = root.key("carrier").number<std::uint32_t>(0),
                       .carriers = root.key("carriers").number<std::uint32_t>(1),
                       .features = root.key("features").names(wire::kMaxFeatures),
                       .software = peer_text(root.key("software").text()),
                       .beside = root.has("beside") && root.key("beside").boolean()};
  if (message.role != "edge" && message.role != "hub") root.key("role").fail("must be \"edge\" or \"hub\"");
  if (message.carrier >= message.carriers) root.key("carrier").fail("must be less than 'carriers'");
  return document.finish(std::move(message));
}

std::string to_json(const ConfigResultMessage& message) {
  json::object out{{"generation", std::to_string(message.generation)}, {"ok", to_json_array(message.ok)}};
  if (!message.udp_ok.empty()) out["udp_ok"] = to_json_array(message.udp_ok);
  out["failed"] = json::array{};
  const std::size_t taken = json::serialize(out).size();
  out["failed"] = failures_within(message.failed, wire::kMaxJson - taken);
  return json::serialize(out);
}

Result<ConfigResultMessage> parse_config_result(std::string_view json) {
  JsonDocument document{json, wire::kMaxJson};
  const JsonNode root = document.root();
  ConfigResultMessage message{.generation = root.key("generation").u64(), .ok = root.key("ok").port_set()};
  if (root.has("udp_ok")) message.udp_ok = root.key("udp_ok").port_set();
  root.key("failed").each(wire::kMaxPortFailures,
                          [&](const JsonNode& failure) { message.failed.push_back(read_failure(failure)); });
  return document.finish(std::move(message));
}

std::string to_json(const ReportMessage& message) {
  const ReportMessage::Datagrams& datagrams = message.datagrams;
  return json::serialize(
      json::object{{"datagrams",
                    {{"sent", std::to_string(datagrams.sent)},
                     {"sent_bytes", std::to_string(datagrams.sent_bytes)},
                     {"received", std::to_string(datagrams.received)},
                     {"received_bytes", std::to_string(datagrams.received_bytes)}}},
                   {"streams",
                    {{"sent_bytes", std::to_string(message.streams.sent_bytes)},
                     {"received_bytes", std::to_string(message.streams.received_bytes)}}}});
}

Result<ReportMessage> parse_report(std::string_view json) {
  JsonDocument document{json, wire::kMaxJson};
  const JsonNode root = document.root();
  ReportMessage message;
  if (root.has("datagrams")) {
    const JsonNode datagrams = root.key("datagrams");
    message.datagrams = {.sent = datagrams.key("sent").u64(),
                         .sent_bytes = datagrams.key("sent_bytes").u64(),
                         .received = datagrams.key("received").u64(),
                         .received_bytes = datagrams.key("received_bytes").u64()};
  }
  if (root.has("streams")) {
    const JsonNode streams = root.key("streams");
    message.streams = {.sent_bytes = streams.key("sent_bytes").u64(),
                       .received_bytes = streams.key("received_bytes").u64()};
  }
  return document.finish(message);
}

}  // namespace penstock
