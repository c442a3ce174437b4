// What a simulated node wrote down.
#pragma once

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "support/sim_clock.h"
#include "tunnel/journal.h"

namespace penstock {

class SimJournal final : public Journal {
 public:
  struct Event {
    Time at;
    std::string name;
    boost::json::object fields;
    /// A field that is text, or empty.
    std::string text(std::string_view key) const {
      const auto* const value = fields.if_contains(key);
      return value != nullptr && value->is_string() ? std::string{value->as_string()} : std::string{};
    }
  };

  explicit SimJournal(SimClock& clock) : clock_{clock} {}

  void event(std::string_view name, boost::json::object fields) override {
    events_.push_back({clock_.now(), std::string{name}, std::move(fields)});
  }
  void access(const boost::json::object& fields) override {
    accesses_.push_back({clock_.now(), "access", fields});
  }

  const std::vector<Event>& events() const { return events_; }
  const std::vector<Event>& accesses() const { return accesses_; }
  std::size_t count(std::string_view name) const {
    return static_cast<std::size_t>(std::count_if(events_.begin(), events_.end(),
                                                  [&](const Event& event) { return event.name == name; }));
  }
  /// Events of that name whose field has that text.
  std::size_t count(std::string_view name, std::string_view key, std::string_view text) const {
    return static_cast<std::size_t>(std::count_if(events_.begin(), events_.end(), [&](const Event& event) {
      return event.name == name && event.text(key) == text;
    }));
  }
  /// The last event of that name, or an empty one.
  Event last(std::string_view name) const {
    const auto found =
        std::find_if(events_.rbegin(), events_.rend(), [&](const Event& e) { return e.name == name; });
    return found == events_.rend() ? Event{} : *found;
  }
  /// All of it, for the message of an assertion.
  std::string to_string() const {
    std::string out;
    for (const Event& event : events_) {
      const auto ms =
          std::chrono::duration_cast<std::chrono::milliseconds>(event.at.time_since_epoch()).count();
      out += std::to_string(ms) + " " + event.name + " " + boost::json::serialize(event.fields) + "\n";
    }
    return out;
  }

 private:
  SimClock& clock_;
  std::vector<Event> events_;
  std::vector<Event> accesses_;
};

}  // namespace penstock
