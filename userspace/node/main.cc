// penstockd: edge, hub or both, as its configuration says.
#include <gflags/gflags.h>
#include <glog/logging.h>
#include <malloc.h>

#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "config/environment.h"
#include "edge/hub_address.h"
#include "hub/hub_identity.h"
#include "node/node.h"
#include "node/plane_start.h"
#include "node/state_lock.h"
#include "node/user.h"

DEFINE_string(config, "/etc/penstock/penstock.toml", "the configuration file");
DEFINE_bool(check, false, "validate the configuration, say whether it is good, and exit");
DEFINE_string(set, "",
              "SECTION.KEY=VALUE: a setting that wins over environment and file; may be given often");

namespace {

using namespace penstock;

constexpr const char* kUsage =
    "usage: penstockd [--config FILE] [--check] [--set SECTION.KEY=VALUE ...]\n"
    "Runs a Penstock node: an edge, a hub, or both, as its configuration says.\n"
    "\n"
    "  --config FILE            the configuration; default /etc/penstock/penstock.toml\n"
    "  --check                  say whether the configuration is good, and exit (0 good, 1 not)\n"
    "  --set SECTION.KEY=VALUE  a setting that wins over the environment (PENSTOCK_SECTION__KEY) and the "
    "file;\n"
    "                           may be given often\n"
    "  --version                the version\n"
    "\n"
    "Signals: SIGHUP reads the configuration again and applies what differs; SIGTERM lets flows end, for "
    "node.drain\n"
    "at most; a second one ends at once. Exit status: 0 after a signal, 1 when it could not start.\n";

/// Takes every --set out of the arguments: gflags would keep the last one only.
Result<Overrides> take_overrides(std::vector<char*>& arguments) {
  Overrides overrides;
  for (std::size_t i = 1; i < arguments.size();) {
    const std::string_view argument = arguments[i];
    const std::string_view name = argument.substr(0, argument.find('='));
    if (name != "--set" && name != "-set") {
      ++i;
      continue;
    }
    const bool joined = name.size() < argument.size();
    if (!joined && i + 1 == arguments.size()) return error(Errc::kInvalid, "--set needs SECTION.KEY=VALUE");
    const std::string setting{joined ? argument.substr(name.size() + 1) : std::string_view{arguments[i + 1]}};
    const auto equals = setting.find('=');
    if (equals == std::string::npos)
      return error(Errc::kInvalid, "--set " + setting + ": write SECTION.KEY=VALUE");
    overrides[setting.substr(0, equals)] = setting.substr(equals + 1);
    const auto first = arguments.begin() + static_cast<std::ptrdiff_t>(i);
    arguments.erase(first, first + (joined ? 1 : 2));
  }
  return overrides;
}

/// gflags would read further flags from files and the environment; here only the documented ways count.
Result<void> refuse_indirect_flags(const std::vector<char*>& arguments) {
  for (const std::string_view argument : arguments) {
    const auto name = argument.substr(0, argument.find('='));
    for (const std::string_view refused : {"flagfile", "fromenv", "tryfromenv", "undefok"}) {
      if (name == "--" + std::string{refused} || name == "-" + std::string{refused}) {
        return error(Errc::kInvalid, std::string{argument} + " is not supported: use --config and --set");
      }
    }
  }
  return {};
}

/// What waits for slow peers comes and goes by the megabyte, many times a second: free memory below these
/// bytes stays with each worker instead of going back to the system, which would clear it and map it anew
/// each time.
void keep_free_memory() {
  constexpr int kKept = 8 << 20;
  ::mallopt(M_TRIM_THRESHOLD, kKept);
}

/// What --check looks into besides the file itself: the token and the certificates that it names.
Result<void> check_trust(const Config& config) {
  if (config.edge) {
    const auto address = load_hub_address(*config.edge);
    if (!address) return address.error();
  }
  if (config.hub && !config.hub->certificate.empty()) {
    const auto identity = load_hub_identity(config);
    if (!identity) return identity.error();
  }
  return {};
}

int fail(const Error& error) {
  std::fprintf(stderr, "penstockd: %s\n", error.what.c_str());
  return 1;
}

int run(const Overrides& overrides) {
  const ConfigSource source{FLAGS_config, own_environment(), overrides};
  auto config = load_config(source.path, source.environment, source.overrides);
  if (!config) return fail(config.error());
  if (FLAGS_check) {
    const auto trust = check_trust(*config);
    if (!trust) return fail(trust.error());
    std::printf("%s is good\n", source.path.c_str());
    return 0;
  }
  StateLock lock;  // before the kernel is told anything: a running daemon's programs would be ours
  auto locked = lock.take(config->node.state_dir);
  if (!locked) return fail(locked.error());
  auto steering = start_plane(*config);
  if (!steering) return fail(steering.error());
  const auto user = become_user(config->node.user, steering->plane != nullptr);
  if (!user) return fail(user.error());
  raise_descriptor_limit();
  Node node{std::move(*config), source, std::move(lock), std::move(steering->plane),
            std::move(steering->why_sockets)};
  const auto started = node.start();
  if (!started) return fail(started.error());
  LOG(INFO) << "penstockd " PENSTOCK_VERSION " runs: " << (node.hub() ? "hub " : "")
            << (node.edge() ? "edge" : "");
  node.run();
  LOG(INFO) << "penstockd ended";
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  keep_free_memory();
  std::vector<char*> arguments{argv, argv + argc};
  const auto overrides = take_overrides(arguments);
  if (!overrides) return fail(overrides.error());
  const auto direct = refuse_indirect_flags(arguments);
  if (!direct) return fail(direct.error());
  FLAGS_logtostderr = true;
  gflags::SetVersionString(PENSTOCK_VERSION);
  for (const std::string_view argument : arguments) {
    if (argument != "--help" && argument != "-help" && argument != "-h") continue;
    std::fputs(kUsage, stdout);
    return 0;
  }
  int count = static_cast<int>(arguments.size());
  char** rest = arguments.data();
  gflags::ParseCommandLineFlags(&count, &rest, true);
  if (count > 1)
    return fail(error(Errc::kInvalid, "unexpected argument '" + std::string{rest[1]} + "': see --help"));
  google::InitGoogleLogging(argv[0]);
  return run(*overrides);
}
