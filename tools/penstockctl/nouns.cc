#include "penstockctl/nouns.h"

#include <ostream>
#include <utility>

#include "base/address_prefix.h"
#include "base/text.h"
#include "penstockctl/ask.h"
#include "penstockctl/field.h"
#include "penstockctl/help.h"
#include "penstockctl/views.h"

namespace penstock::ctl {
namespace {

constexpr std::size_t kMaxMetricLine = 4096;

using View = std::string (*)(const boost::json::object&);

/// Asks for `target` and prints the answer, as it is or as `view` shows it.
Result<void> show(const Invocation& invocation, Env& env, std::string target, View view) {
  auto body = ask(invocation, env, {"GET", std::move(target)});
  if (!body) return std::move(body).error();
  if (invocation.json) {
    print_raw(env, *body);
    return {};
  }
  auto object = read_object(*body);
  if (!object) return std::move(object).error();
  env.out << view(*object);
  return {};
}

/// A number for --limit, one of the three words for --state, and a prefix for --within.
Result<void> check_filter(std::string_view option, std::string_view value) {
  if (option == "limit" && !parse_number<std::uint32_t>(value)) {
    return error(Errc::kInvalid, "--limit: '" + printable(value, 32) + "' is not a whole number");
  }
  if (option == "state" && value != "unreplied" && value != "replied" && value != "assured") {
    return error(Errc::kInvalid,
                 "--state: '" + printable(value, 32) + "' is not unreplied, replied or assured");
  }
  if (option == "within") {
    const auto prefix = AddressPrefix::parse(value);
    if (!prefix) return Error{prefix.error()}.within("--within");
  }
  return {};
}

/// "?service=web&limit=5", of the options that are given.
Result<std::string> filter_query(const Invocation& invocation) {
  std::string out;
  for (const auto& [name, value] : invocation.options) {
    if (auto fit = check_filter(name, value); !fit) return std::move(fit).error();
    out.append(out.empty() ? "?" : "&").append(name).append("=").append(percent_encode(value));
  }
  return out;
}

}  // namespace

Result<void> show_status(const Invocation& invocation, Env& env) {
  return show(invocation, env, "/v1/status", view_status);
}

Result<void> show_edges(const Invocation& invocation, Env& env) {
  return show(invocation, env, "/v1/edges", view_edges);
}

Result<void> show_services(const Invocation& invocation, Env& env) {
  return show(invocation, env, "/v1/services", view_services);
}

Result<void> show_ports(const Invocation& invocation, Env& env) {
  return show(invocation, env, "/v1/ports", view_ports);
}

Result<void> show_flows(const Invocation& invocation, Env& env) {
  auto query = filter_query(invocation);
  if (!query) return std::move(query).error();
  return show(invocation, env, "/v1/flows" + *query, view_flows);
}

Result<void> show_sessions(const Invocation& invocation, Env& env) {
  auto query = filter_query(invocation);
  if (!query) return std::move(query).error();
  return show(invocation, env, "/v1/sessions" + *query, view_sessions);
}

Result<void> show_ledger(const Invocation& invocation, Env& env) {
  auto body = ask(invocation, env, {"GET", "/v1/ledger"});
  if (!body) return std::move(body).error();
  if (invocation.json) print_raw(env, *body);
  const auto ledger = read_object(*body);
  if (!ledger) return ledger.error();
  if (!invocation.json) env.out << view_ledger(*ledger);
  if (flag(*ledger, "balanced")) return {};
  return error(Errc::kRefused,
               "the books do not balance: a datagram or a flow of this node is unaccounted for");
}

Result<void> show_guard(const Invocation& invocation, Env& env) {
  auto query = filter_query(invocation);
  if (!query) return std::move(query).error();
  return show(invocation, env, "/v1/guard" + *query, view_guard);
}

Result<void> show_packets(const Invocation& invocation, Env& env) {
  return show(invocation, env, "/v1/packets", view_packets);
}

Result<void> show_tunnels(const Invocation& invocation, Env& env) {
  return show(invocation, env, "/v1/tunnels", view_tunnels);
}

Result<void> show_events(const Invocation& invocation, Env& env) {
  const bool follow = invocation.has("follow");
  bool any = false;
  const LineSink print = [&](std::string_view line) {
    any = true;
    if (invocation.json) {
      print_raw(env, line);
    } else {
      env.out << view_event(line);
    }
    env.out.flush();  // whoever reads a pipe wants each line as it comes
  };
  auto ended = ask(invocation, env, {"GET", follow ? "/v1/events?follow=1" : "/v1/events"}, print);
  if (!ended) return std::move(ended).error();
  if (follow) return error(Errc::kUnavailable, "the daemon ended the stream of events: it is stopping");
  if (!any && !invocation.json) env.out << "no events yet: penstockctl events --follow waits for them\n";
  return {};
}

Result<void> show_metrics(const Invocation& invocation, Env& env) {
  if (invocation.json)
    return error(Errc::kInvalid, "metrics are in Prometheus's text form: leave out --json");
  auto body = ask(invocation, env, {"GET", "/metrics"});
  if (!body) return std::move(body).error();
  for (std::string_view rest = *body; !rest.empty();) {
    const auto end = rest.find('\n');
    env.out << printable(rest.substr(0, end), kMaxMetricLine) << '\n';
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  return {};
}

Result<void> show_help(const Invocation& invocation, Env& env) {
  auto text = help_text(invocation.arguments);
  if (!text) return std::move(text).error();
  env.out << *text;
  return {};
}

Result<void> show_version(const Invocation&, Env& env) {
  env.out << "penstockctl " PENSTOCK_VERSION "\n";
  return {};
}

}  // namespace penstock::ctl
