#include "penstockctl/verbs.h"

#include <array>
#include <boost/json/serialize.hpp>
#include <functional>
#include <ostream>
#include <utility>

#include "base/address.h"
#include "base/file_descriptor.h"
#include "base/text.h"
#include "penstockctl/ask.h"
#include "penstockctl/field.h"
#include "penstockctl/service_options.h"
#include "penstockctl/views.h"
#include "proto/token.h"

namespace penstock::ctl {
namespace {

namespace json = boost::json;

/// A secret's file may end in white space.
constexpr std::size_t kMaxSecretFile = 1024;

/// Asks, and prints the answer as it is (--json), or as the sentence that `say` makes of it.
Result<void> change(const Invocation& invocation, Env& env, const DaemonRequest& request,
                    const std::function<std::string(const json::object&)>& say) {
  auto body = ask(invocation, env, request);
  if (!body) return std::move(body).error();
  if (invocation.json) {
    print_raw(env, *body);
    return {};
  }
  auto answer = read_object(*body);
  if (!answer) return std::move(answer).error();
  env.out << say(*answer);
  return {};
}

std::string path(std::string_view collection, std::string_view name, std::string_view verb = {}) {
  return "/v1/" + std::string{collection} + "/" + percent_encode(name) + std::string{verb};
}

std::string closed(const json::object& answer) {
  const auto flows = number(answer, "flows_closed");
  return std::to_string(flows) + (flows == 1 ? " flow closed" : " flows closed");
}

Result<std::string> read_secret(const std::string& file) {
  auto text = read_secret_file(file, kMaxSecretFile);
  if (!text) return error(Errc::kInvalid, "--secret-file: " + text.error().what);  // not the daemon's refusal
  text->erase(text->find_last_not_of(" \t\r\n") + 1);
  if (!is_secret(*text)) {
    return error(Errc::kInvalid,
                 "--secret-file: " + file + " must hold 1 to 256 printable characters and no space");
  }
  return text;
}

/// The body of `edges add` and `edges rotate`, without the id.
Result<json::object> edge_body(const Invocation& invocation) {
  json::object out;
  if (const std::string* hub = invocation.value("hub")) {
    const auto parsed = HostPort::parse(*hub);
    if (!parsed) return Error{parsed.error()}.within("--hub");
    out.emplace("hub", *hub);
  }
  if (const std::string* file = invocation.value("secret-file")) {
    auto secret = read_secret(*file);
    if (!secret) return std::move(secret).error();
    out.emplace("secret", *secret);
  }
  return out;
}

Result<std::string> edge_id(const Invocation& invocation) {
  if (is_edge_id(invocation.arguments[0])) return invocation.arguments[0];
  return error(Errc::kInvalid, "'" + printable(invocation.arguments[0], 64) +
                                   "' is no edge id: 1 to 64 printable characters without space");
}

/// Prints the token alone on standard output, so that it can go straight into a file, and `note` beside it.
Result<void> print_token(const Invocation& invocation, Env& env, const DaemonRequest& request,
                         std::string_view note) {
  auto done = change(invocation, env, request, [](const json::object& answer) {
    const auto* token = answer.if_contains("token");
    const auto* shown = token == nullptr ? nullptr : token->if_string();
    return shown == nullptr ? std::string{} : printable({shown->data(), shown->size()}, 4096) + "\n";
  });
  if (done && !invocation.json) env.err << note;
  return done;
}

/// The service as it is now, ready to be changed: without what the daemon adds to tell its state.
Result<json::object> current_service(const Invocation& invocation, Env& env, std::string_view name) {
  constexpr std::array<std::string_view, 7> kState{
      "origin", "position", "flows", "flows_total", "bytes_to_backend", "bytes_to_client", "addresses"};
  auto body = ask(invocation, env, {"GET", "/v1/services"});
  if (!body) return std::move(body).error();
  const auto services = read_object(*body);
  if (!services) return services.error();
  for (const auto& value : list(*services, "services")) {
    json::object service = as_object(value);
    if (text(service, "name") != name) continue;
    for (const auto key : kState) service.erase(key);
    return service;
  }
  return error(Errc::kRefused,
               "there is no service '" + printable(name, 64) + "': penstockctl services shows them");
}

Result<void> change_ports(const Invocation& invocation, Env& env, std::string_view verb) {
  const auto& [service, ports] = std::tie(invocation.arguments[0], invocation.arguments[1]);
  if (const auto parsed = parse_port_list(ports); !parsed) return parsed.error();
  DaemonRequest request{"POST", path("services", service, "/ports"),
                        json::serialize(json::object{{verb, ports}})};
  return change(invocation, env, request, [](const json::object& answer) {
    return "service " + text(answer, "name") + " has ports " + joined(answer, "ports", ",") + " now\n";
  });
}

}  // namespace

Result<void> add_edge(const Invocation& invocation, Env& env) {
  const auto id = edge_id(invocation);
  if (!id) return id.error();
  auto body = edge_body(invocation);
  if (!body) return std::move(body).error();
  body->emplace("id", *id);
  return print_token(invocation, env, {"POST", "/v1/edges", json::serialize(*body)},
                     "edge " + *id +
                         " added. Put the token into a file with mode 0600 at the edge (edge.token_file); "
                         "it is not shown again.\n");
}

Result<void> rotate_edge(const Invocation& invocation, Env& env) {
  const auto id = edge_id(invocation);
  if (!id) return id.error();
  const auto body = edge_body(invocation);
  if (!body) return body.error();
  return print_token(invocation, env, {"POST", path("edges", *id, "/rotate"), json::serialize(*body)},
                     "edge " + *id +
                         " has a new secret. The old one is good until the new one is used, or 24 hours "
                         "have passed.\n");
}

Result<void> remove_edge(const Invocation& invocation, Env& env) {
  const auto id = edge_id(invocation);
  if (!id) return id.error();
  return change(invocation, env, {"DELETE", path("edges", *id)}, [](const json::object& answer) {
    return "edge " + text(answer, "id") + " removed, " + closed(answer) + "\n";
  });
}

Result<void> add_service(const Invocation& invocation, Env& env) {
  if (!invocation.has("ports") || !invocation.has("target")) {
    return error(Errc::kInvalid,
                 "services add needs --ports and --target: see 'penstockctl help services add'");
  }
  auto service = service_from_options(invocation.options);
  if (!service) return std::move(service).error();
  service->emplace("name", invocation.arguments[0]);
  return change(invocation, env, {"POST", "/v1/services", json::serialize(*service)},
                [](const json::object& answer) {
                  return "service " + text(answer, "name") + " added: " + view_service_line(answer) + "\n";
                });
}

Result<void> set_service(const Invocation& invocation, Env& env) {
  if (invocation.options.empty()) {
    return error(Errc::kInvalid,
                 "services set needs an option to change: see 'penstockctl help services set'");
  }
  const auto wanted = service_from_options(invocation.options);
  if (!wanted) return wanted.error();
  auto service = current_service(invocation, env, invocation.arguments[0]);
  if (!service) return std::move(service).error();
  for (const auto& member : *wanted) (*service)[member.key()] = member.value();
  DaemonRequest request{"PUT", path("services", invocation.arguments[0]), json::serialize(*service)};
  return change(invocation, env, request, [](const json::object& answer) {
    return "service " + text(answer, "name") + " changed: " + view_service_line(answer) + "\n";
  });
}

Result<void> remove_service(const Invocation& invocation, Env& env) {
  return change(invocation, env, {"DELETE", path("services", invocation.arguments[0])},
                [](const json::object& answer) {
                  return "service " + text(answer, "name") + " removed, " + closed(answer) + "\n";
                });
}

Result<void> add_ports(const Invocation& invocation, Env& env) {
  return change_ports(invocation, env, "add");
}

Result<void> remove_ports(const Invocation& invocation, Env& env) {
  return change_ports(invocation, env, "remove");
}

Result<void> drain(const Invocation& invocation, Env& env) {
  const bool on = !invocation.has("off");
  if (!invocation.arguments.empty()) {
    DaemonRequest request{"POST", path("services", invocation.arguments[0], "/drain"),
                          json::serialize(json::object{{"on", on}})};
    return change(invocation, env, request, [](const json::object& answer) {
      return "service " + text(answer, "name") +
             (flag(answer, "draining") ? " is draining: it takes no new flows\n" : " takes new flows\n");
    });
  }
  if (!on) return error(Errc::kInvalid, "drain --off needs SERVICE: a node that drains is restarted");
  return change(invocation, env, {"POST", "/v1/drain"},
                [](const json::object&) { return "the node is draining: it takes no new flows\n"; });
}

Result<void> reload(const Invocation& invocation, Env& env) {
  return change(invocation, env, {"POST", "/v1/reload"}, [](const json::object& answer) {
    std::string out;
    for (const auto& sentence : list(answer, "changed")) out.append(text_of(sentence)).append("\n");
    if (out.empty()) out = "nothing changed\n";
    const std::string restart = joined(answer, "restart_needed", ", ");
    return restart.empty() ? out : out + "needs a restart: " + restart + "\n";
  });
}

Result<void> set_log_level(const Invocation& invocation, Env& env) {
  DaemonRequest request{"PUT", "/v1/log-level",
                        json::serialize(json::object{{"level", invocation.arguments[0]}})};
  return change(invocation, env, request, [](const json::object& answer) {
    return "the log level is " + text(answer, "level") + "\n";
  });
}

}  // namespace penstock::ctl
