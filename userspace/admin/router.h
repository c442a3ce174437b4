// Which handler answers which request of the admin API.
#pragma once

#include <boost/json/value.hpp>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "admin/request_target.h"
#include "base/error.h"

namespace penstock {

struct AdminRequest {
  std::string method;                                          // "GET", "POST", "PUT" or "DELETE"
  RequestTarget target;                                        // path and query, decoded
  std::map<std::string, std::string, std::less<>> parameters;  // what the {words} of the pattern stand for
  std::string body;

  /// A parameter of the route's own pattern.
  const std::string& parameter(std::string_view name) const { return parameters.find(name)->second; }
  /// The query's value of that name, or nothing.
  const std::string* query(std::string_view name) const;
};

struct AdminResponse {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
  bool follow_events = false;  // no body: events as they happen, one JSON line each, until the reader goes
  bool operator==(const AdminResponse&) const = default;
};

/// The way back for one answer, to be called exactly once, at any time, from any thread; it may outlive the
/// connection and the server (the answer then goes nowhere). Destroyed without an answer, it sends 500. A
/// second answer aborts.
class AdminReply {
 public:
  using Sink = std::function<void(AdminResponse)>;

  explicit AdminReply(Sink sink) : sink_{std::move(sink)} {}
  AdminReply(AdminReply&& other) noexcept : sink_{std::exchange(other.sink_, nullptr)} {}
  AdminReply& operator=(AdminReply&&) = delete;
  ~AdminReply();

  void operator()(AdminResponse response);
  void json(const boost::json::value& body, unsigned status = 200);
  /// `body` is serialized JSON.
  void json_text(std::string body, unsigned status = 200);
  /// {"error": sentence}; the sentence says what is wrong and what to do.
  void error(unsigned status, std::string_view sentence);
  /// The same with the status that belongs to the error's code: kInvalid 400, kRefused 403, kNotFound 404,
  /// kExists 409, kLimit 429, kUnavailable 503, others 500.
  void error(const Error& error);

 private:
  Sink sink_;
};

/// A table of routes. Filled before the server listens, read on the control thread.
class Router {
 public:
  using Handler = std::function<void(const AdminRequest& request, AdminReply reply)>;

  /// `pattern` such as "/v1/edges/{id}/rotate"; a {word} matches one non-empty part of the path. The first
  /// route that matches wins; the same method and pattern twice abort.
  void add(std::string_view method, std::string_view pattern, Handler handler);

  /// Calls the handler that matches, or answers 404, or 405 naming the methods that the path has. HEAD counts
  /// as GET.
  void route(AdminRequest request, AdminReply reply) const;

 private:
  struct Route {
    std::string method;
    std::string pattern;
    std::vector<std::string> parts;
    Handler handler;
  };
  std::vector<Route> routes_;
};

}  // namespace penstock
