// What happened on this node, as JSON lines: the last ones are kept, and followers hear of new ones.
#pragma once

#include <boost/json/object.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace penstock {

/// One event as a line of JSON without line feed: {"time","seq","event", fields...}. Shared, because the kept
/// events and the queues of all followers hold the same text.
using EventLine = std::shared_ptr<const std::string>;

class EventFollower;

/// Events in the order of their numbers. Any thread may call any member; nothing ever waits for a reader.
class EventLog {
 public:
  using WallTime = std::chrono::system_clock::time_point;
  using WallClock = std::function<WallTime()>;

  static constexpr std::size_t kKept = 1024;
  static constexpr std::size_t kQueued = 1024;          // per follower; then the oldest goes
  static constexpr std::uint32_t kStrangersRate = 100;  // per second and name
  static constexpr std::size_t kMaxFields = 16 * 1024;  // bytes of JSON; larger ones become "truncated"

  explicit EventLog(WallClock clock = std::chrono::system_clock::now);

  /// `name` is one of the words of api/admin.md; the keys time, seq and event of `fields` are ignored.
  void publish(std::string_view name, boost::json::object fields = {});
  /// The same for what a stranger can cause: above kStrangersRate a second of that name they are counted
  /// only, and one {"event":"events_suppressed","name","count"} tells how many. `name` is one of a fixed
  /// set of words.
  void publish_limited(std::string_view name, boost::json::object fields = {});

  std::vector<EventLine> kept();
  /// Hears what is published from now on. `wake` is called from publishing threads, at most once between two
  /// calls of take(); it must not call the log. The log must outlive the follower.
  std::unique_ptr<EventFollower> follow(std::function<void()> wake);

 private:
  friend class EventFollower;

  struct Rate {
    WallTime second{};  // when the running second began
    std::uint32_t published = 0;
    std::uint64_t suppressed = 0;
  };

  void append(WallTime now, std::string_view name, std::string_view fields);
  bool permits(WallTime now, std::string_view name);
  void report_suppressed(WallTime now);

  const WallClock clock_;
  std::mutex mutex_;  // guards all below, and the queues of the followers
  std::uint64_t next_ = 1;
  std::deque<EventLine> kept_;
  std::map<std::string, Rate, std::less<>> rates_;
  std::list<EventFollower*> followers_;
};

/// A reader's bounded queue. Once destroyed, its `wake` is never called again.
class EventFollower {
 public:
  EventFollower(EventLog& log, std::function<void()> wake);
  EventFollower(const EventFollower&) = delete;
  EventFollower& operator=(const EventFollower&) = delete;
  ~EventFollower();

  /// Up to `at_most` events, oldest first; led by {"event":"events_lost","count"} when some were lost
  /// before them.
  std::vector<EventLine> take(std::size_t at_most);

 private:
  friend class EventLog;
  void push(const EventLine& line);

  EventLog& log_;
  const std::function<void()> wake_;
  std::deque<EventLine> queue_;
  std::uint64_t lost_ = 0;
  bool woken_ = false;  // wake_ was called since the last take()
};

/// RFC 3339 in UTC with milliseconds: "2024-05-06T07:08:09.010Z".
std::string to_rfc3339(EventLog::WallTime time);

}  // namespace penstock
