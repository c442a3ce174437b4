#include "penstockctl/host_commands.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <ostream>
#include <utility>

#include "config/node_pins.h"
#include "doctor/judgement.h"
#include "penstockctl/ask.h"
#include "penstockctl/table.h"

namespace penstock::ctl {
namespace {

namespace json = boost::json;

constexpr std::string_view kDefaultFile = "/etc/penstock/penstock.toml";

/// The file that is named; "" where none is, and there is none at the usual place.
std::string file_of(const Invocation& invocation, const Env& env) {
  if (const std::string* file = invocation.value("config")) return *file;
  const auto variable = env.variables.find("PENSTOCK_CONFIG");
  if (variable != env.variables.end() && !variable->second.empty()) return variable->second;
  return env.exists(std::string{kDefaultFile}) ? std::string{kDefaultFile} : std::string{};
}

/// Defaults where there is no file. Its errors are the command line's.
Result<Config> config_of(const std::string& file, const Env& env) {
  if (file.empty()) return parse_config("[hub]\n", "", {}, {});
  auto config = load_config(file, env.variables, {});
  if (!config) return error(Errc::kInvalid, config.error().what);
  return config;
}

std::string as_json(const doctor::Report& report) {
  json::array findings;
  for (const doctor::Finding& one : report.findings) {
    findings.push_back(json::object{
        {"name", one.name}, {"verdict", to_string(one.verdict)}, {"what", one.what}, {"remedy", one.remedy}});
  }
  return json::serialize(json::object{{"verdict", to_string(report.verdict())},
                                      {"steering", report.by_kernel ? "kernel" : "socket"},
                                      {"will", report.will},
                                      {"findings", std::move(findings)}}) +
         "\n";
}

std::string as_text(const doctor::Report& report) {
  Table table{{{"VERDICT"}, {"WHAT"}, {"FOUND"}}};
  std::string remedies;
  for (const doctor::Finding& one : report.findings) {
    table.add({std::string{to_string(one.verdict)}, one.name, one.what});
    if (one.verdict != doctor::Verdict::kOk && !one.remedy.empty())
      remedies += "  " + one.name + ": " + one.remedy + "\n";
  }
  return table.text() + (remedies.empty() ? "" : "\nto change:\n" + remedies) + "\nthe daemon will " +
         report.will + "\n";
}

/// Whether a daemon answers on the socket, whatever it says.
bool answers(const Invocation& invocation, Env& env, const Config& config) {
  Invocation to = invocation;
  const auto variable = env.variables.find("PENSTOCK_SOCKET");
  const bool told = variable != env.variables.end() && !variable->second.empty();
  if (!to.socket && !told) to.socket = config.admin.socket;
  const auto answer = ask(to, env, {"GET", "/live"});
  return answer || answer.error().code != make_error_code(Errc::kUnavailable);
}

}  // namespace

Result<void> run_doctor(const Invocation& invocation, Env& env) {
  const std::string file = file_of(invocation, env);
  const auto config = config_of(file, env);
  if (!config) return config.error();
  const auto facts = env.examine({.config = *config, .try_interfaces = invocation.has("try")});
  const doctor::Report report = doctor::judge(facts, *config);
  if (!invocation.json) env.out << "configuration: " << (file.empty() ? "none, so defaults" : file) << "\n";
  env.out << (invocation.json ? as_json(report) : as_text(report));
  if (report.verdict() == doctor::Verdict::kOk) return {};
  if (report.verdict() == doctor::Verdict::kWarning)
    return error(Errc::kRefused, "a daemon works here, with the warnings above");
  return error(Errc::kInvalid, "a daemon cannot work here as it is configured");
}

Result<void> detach_programs(const Invocation& invocation, Env& env) {
  const auto config = config_of(file_of(invocation, env), env);
  if (!config) return config.error();
  if (!invocation.has("force") && answers(invocation, env, *config)) {
    return error(
        Errc::kRefused,
        "a daemon answers: stop it first, for without its programs its UDP stands still, or use --force");
  }
  const auto done = env.detach(*config);
  if (!done) return error(Errc::kRefused, done.error().what);
  if (invocation.json) {
    env.out << json::serialize(json::object{{"detached", node_pins(*config)}}) << "\n";
  } else {
    env.out << "detached: programs, maps and sessions of node " << config->node.name << ", and the device "
            << config->steering.device << "0, are gone\n";
  }
  return {};
}

}  // namespace penstock::ctl
