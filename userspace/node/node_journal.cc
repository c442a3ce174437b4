#include "node/node_journal.h"

#include <glog/logging.h>

#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>
#include <ctime>

#include "base/reason.h"

namespace penstock {
namespace {

/// What happens for every flow: events, but no lines in the log.
constexpr std::array<std::string_view, 5> kOfFlows{"stream_opened", "stream_closed", "stream_refused",
                                                   "session_opened", "session_closed"};
/// What strangers cause besides: in the log at most so many lines a second in all.
constexpr std::array<std::string_view, 6> kOfStrangers{
    "limit_reached", "session_refused", "auth_failed", "handshake_failed", "edge_contested", "guard_changed"};
constexpr int kStrangersLines = 20;
/// What an operator would look for who sees that something does not work.
constexpr std::array<std::string_view, 7> kWarnings{"auth_failed",    "carrier_down", "dial_failed",
                                                    "direct_refused", "port_failed",  "resolve_failed",
                                                    "tunnel_down"};

template <class Names>
bool is_one_of(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool may_log_stranger() {
  thread_local std::time_t second = 0;
  thread_local int lines = 0;
  const std::time_t now = std::time(nullptr);
  if (now != second) {
    second = now;
    lines = 0;
  }
  return ++lines <= kStrangersLines;
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

/// What ended because it was told to does not.
bool warns(std::string_view name, const boost::json::object& fields) {
  if (!is_one_of(kWarnings, name)) return false;
  const boost::json::value* const reason = fields.if_contains("reason");
  return reason == nullptr || !reason->is_string() || reason->get_string() != label_of(PST_R_SHUTDOWN);
}

}  // namespace

void NodeJournal::event(std::string_view name, boost::json::object fields) {
  const bool of_flows = is_one_of(kOfFlows, name);
  const bool of_strangers = is_one_of(kOfStrangers, name);
  if (of_flows) {
    VLOG(1) << name << " " << boost::json::serialize(fields);
  } else if (!of_strangers || may_log_stranger()) {
    LOG_AT_LEVEL(warns(name, fields) ? google::GLOG_WARNING : google::GLOG_INFO)
        << name << " " << boost::json::serialize(fields);
  }
  if (of_flows || of_strangers) {
    events_.publish_limited(name, std::move(fields));
  } else {
    events_.publish(name, std::move(fields));
  }
}

void NodeJournal::access(const boost::json::object& fields) {
  if (access_ == nullptr) return;
  boost::json::object line{{"time", utc_now()}};
  line.insert(fields.begin(), fields.end());
  access_->write(boost::json::serialize(line) + "\n");
}

}  // namespace penstock
