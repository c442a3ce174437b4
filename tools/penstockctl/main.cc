// penstockctl: the operator's tool.
#include <unistd.h>

#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "penstockctl/http_daemon.h"
#include "penstockctl/run.h"
#include "steering/kernel_plane.h"

namespace {

using namespace penstock;

/// What the daemon and we ourselves may be told by.
std::map<std::string, std::string> variables() {
  std::map<std::string, std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const auto equals = text.find('=');
    if (text.starts_with("PENSTOCK_") && equals != std::string::npos)
      out[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return out;
}

Result<void> detach_node(const Config& config) {
  const SteeringConfig& steering = config.steering;
  return detach_kernel_plane({.pins = steering.pins + "/" + config.node.name,
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
          variables(),
          [](const std::string& socket) { return make_http_daemon(socket); },
          [](const std::string& path) { return ::access(path.c_str(), F_OK) == 0; },
          penstock::doctor::examine,
          detach_node};
  const std::vector<std::string> given(words + 1, words + count);
  return static_cast<int>(run(given, env));
}
