// Where nodes write down what happened: events for operators, one line per flow for the access log.
#pragma once

#include <boost/json/object.hpp>
#include <string_view>

namespace penstock {

/// Any thread. Never blocks on a reader; what exceeds a rate is counted instead of written.
class Journal {
 public:
  virtual ~Journal() = default;
  virtual void event(std::string_view name, boost::json::object fields) = 0;
  /// A flow ended. `fields` as in the stream_closed event.
  virtual void access(const boost::json::object& fields) = 0;
};

}  // namespace penstock
