// penstockctl: the operator's tool.
#include <unistd.h>

#include <iostream>
#include <string>
#include <vector>

#include "config/environment.h"
#include "config/node_pins.h"
#include "penstockctl/http_daemon.h"
#include "penstockctl/run.h"
#include "steering/kernel_plane.h"

namespace {

using namespace penstock;

Result<void> detach_node(const Config& config) {
  if (::geteuid() != 0) return error(Errc::kRefused, "needs root: sudo penstockctl detach");
  const SteeringConfig& steering = config.steering;
  return detach_kernel_plane({.pins = node_pins(config),
                              .device = steering.device,
                              .interfaces = steering.interfaces,
                              .network = steering.network,
                              .network_bits = steering.network_bits});
}

}  // namespace

int main(int count, char** words) {
  using namespace penstock::ctl;
  Env env{std::cin,
          std::cout,
          std::cerr,
          own_environment(),
          [](const std::string& socket) { return make_http_daemon(socket); },
          [](const std::string& path) { return ::access(path.c_str(), F_OK) == 0; },
          penstock::doctor::examine,
          detach_node};
  const std::vector<std::string> given(words + 1, words + count);
  return static_cast<int>(run(given, env));
}
