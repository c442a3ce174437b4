#include "admin/router.h"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "base/text.h"

namespace penstock {
namespace {

using Parameters = std::map<std::string, std::string, std::less<>>;

[[noreturn]] void bug(const std::string& what) {
  std::fprintf(stderr, "penstock: admin router: %s\n", what.c_str());
  std::abort();
}

bool is_parameter(std::string_view part) {
  return part.starts_with('{') && part.ends_with('}');
}

std::optional<Parameters> match(const std::vector<std::string>& pattern,
                                const std::vector<std::string>& path) {
  if (pattern.size() != path.size()) return std::nullopt;
  Parameters found;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (is_parameter(pattern[i]) && !path[i].empty()) {
      found.emplace(pattern[i].substr(1, pattern[i].size() - 2), path[i]);
    } else if (pattern[i] != path[i]) {
      return std::nullopt;
    }
  }
  return found;
}

unsigned status_of(const Error& error) {
  if (error.code == make_error_code(Errc::kInvalid)) return 400;
  if (error.code == make_error_code(Errc::kRefused)) return 403;
  if (error.code == make_error_code(Errc::kNotFound)) return 404;
  if (error.code == make_error_code(Errc::kExists)) return 409;
  if (error.code == make_error_code(Errc::kLimit)) return 429;
  if (error.code == make_error_code(Errc::kUnavailable)) return 503;
  return 500;
}

std::string path_text(const RequestTarget& target) {
  std::string out;
  for (const auto& part : target.path) out.append("/").append(part);
  return printable(out, 200);
}

}  // namespace

const std::string* AdminRequest::query(std::string_view name) const {
  const auto at = target.query.find(name);
  return at == target.query.end() ? nullptr : &at->second;
}

AdminReply::~AdminReply() {
  if (sink_) error(500, "the daemon dropped the request without an answer: it may be stopping; try again");
}

void AdminReply::operator()(AdminResponse response) {
  if (!sink_) bug("a request was answered twice");
  std::exchange(sink_, nullptr)(std::move(response));
}

void AdminReply::json(const boost::json::value& body, unsigned status) {
  json_text(boost::json::serialize(body), status);
}

void AdminReply::json_text(std::string body, unsigned status) {
  AdminResponse response;
  response.status = status;
  response.body = std::move(body) + "\n";
  (*this)(std::move(response));
}

void AdminReply::error(unsigned status, std::string_view sentence) {
  json(boost::json::object{{"error", sentence}}, status);
}

void AdminReply::error(const Error& error) {
  this->error(status_of(error), error.what);
}

void Router::add(std::string_view method, std::string_view pattern, Handler handler) {
  auto target = RequestTarget::parse(pattern);
  if (!target || !handler) bug("'" + std::string{pattern} + "' is no pattern, or has no handler");
  for (const Route& other : routes_) {
    if (other.method == method && other.pattern == pattern)
      bug("two handlers for '" + std::string{pattern} + "'");
  }
  routes_.push_back({std::string{method}, std::string{pattern}, std::move(target->path), std::move(handler)});
}

void Router::route(AdminRequest request, AdminReply reply) const {
  const std::string method = request.method == "HEAD" ? "GET" : request.method;
  std::string allowed;
  for (const Route& route : routes_) {
    auto parameters = match(route.parts, request.target.path);
    if (!parameters) continue;
    if (route.method == method) {
      request.method = method;
      request.parameters = *std::move(parameters);
      return route.handler(request, std::move(reply));
    }
    allowed.append(allowed.empty() ? "" : " or ").append(route.method);
  }
  const std::string path = path_text(request.target);
  if (allowed.empty())
    return reply.error(404, "there is nothing at " + path + ": the admin API is described in admin.md");
  reply.error(405, path + " takes " + allowed + ", not " + printable(request.method, 16));
}

}  // namespace penstock
