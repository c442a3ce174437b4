#include "admin/event_log.h"

#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <utility>

namespace penstock {
namespace {

using std::chrono::seconds;

/// The members of an object, without the braces.
std::string members(boost::json::object fields) {
  for (const auto own : {"time", "seq", "event"}) fields.erase(own);
  std::string text = boost::json::serialize(fields);
  if (text.size() > EventLog::kMaxFields) return "\"truncated\":true";
  return text.substr(1, text.size() - 2);
}

}  // namespace

EventLog::EventLog(WallClock clock) : clock_{std::move(clock)} {}

void EventLog::publish(std::string_view name, boost::json::object fields) {
  const std::string text = members(std::move(fields));
  const std::lock_guard lock{mutex_};
  const WallTime now = clock_();
  report_suppressed(now);
  append(now, name, text);
}

void EventLog::publish_limited(std::string_view name, boost::json::object fields) {
  {
    const std::lock_guard lock{mutex_};
    const WallTime now = clock_();
    report_suppressed(now);
    if (!permits(now, name)) return;
  }
  publish(name, std::move(fields));
}

bool EventLog::permits(WallTime now, std::string_view name) {
  auto at = rates_.find(name);
  if (at == rates_.end()) at = rates_.emplace(name, Rate{}).first;
  Rate& rate = at->second;
  if (now < rate.second || now - rate.second >= seconds{1}) rate = {now, 0, 0};
  if (rate.published < kStrangersRate) {
    ++rate.published;
    return true;
  }
  ++rate.suppressed;
  return false;
}

void EventLog::report_suppressed(WallTime now) {
  for (auto& [name, rate] : rates_) {
    if (rate.suppressed == 0 || (now >= rate.second && now - rate.second < seconds{1})) continue;
    append(now, "events_suppressed", members({{"name", name}, {"count", std::exchange(rate.suppressed, 0)}}));
  }
}

void EventLog::append(WallTime now, std::string_view name, std::string_view fields) {
  std::string line =
      "{\"time\":\"" + to_rfc3339(now) + "\",\"seq\":" + std::to_string(next_++) + ",\"event\":\"";
  line.append(name).append("\"");
  if (!fields.empty()) line.append(",").append(fields);
  line.append("}");
  const auto shared = std::make_shared<const std::string>(std::move(line));
  kept_.push_back(shared);
  if (kept_.size() > kKept) kept_.pop_front();
  for (EventFollower* follower : followers_) follower->push(shared);
}

std::vector<EventLine> EventLog::kept() {
  const std::lock_guard lock{mutex_};
  report_suppressed(clock_());
  return {kept_.begin(), kept_.end()};
}

std::unique_ptr<EventFollower> EventLog::follow(std::function<void()> wake) {
  return std::make_unique<EventFollower>(*this, std::move(wake));
}

EventFollower::EventFollower(EventLog& log, std::function<void()> wake) : log_{log}, wake_{std::move(wake)} {
  const std::lock_guard lock{log_.mutex_};
  log_.followers_.push_back(this);
}

EventFollower::~EventFollower() {
  const std::lock_guard lock{log_.mutex_};
  log_.followers_.remove(this);
}

void EventFollower::push(const EventLine& line) {
  queue_.push_back(line);
  if (queue_.size() > EventLog::kQueued) {
    queue_.pop_front();
    ++lost_;
  }
  if (!std::exchange(woken_, true)) wake_();
}

std::vector<EventLine> EventFollower::take(std::size_t at_most) {
  const std::lock_guard lock{log_.mutex_};
  const auto now = log_.clock_();
  log_.report_suppressed(now);
  std::vector<EventLine> out;
  if (const auto lost = std::exchange(lost_, 0); lost != 0) {
    out.push_back(std::make_shared<const std::string>(
        "{\"time\":\"" + to_rfc3339(now) + "\",\"event\":\"events_lost\",\"count\":" + std::to_string(lost) +
        "}"));
  }
  while (!queue_.empty() && out.size() < at_most) {
    out.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  woken_ = !queue_.empty();  // what is left needs no waking: the reader comes back for it
  return out;
}

std::string to_rfc3339(EventLog::WallTime time) {
  using namespace std::chrono;
  const auto whole = floor<milliseconds>(time);
  const auto day = floor<days>(whole);
  const year_month_day date{day};
  const hh_mm_ss clock{whole - day};
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()),
                static_cast<int>(clock.subseconds().count()));
  return text.data();
}

}  // namespace penstock
