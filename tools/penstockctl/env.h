// The world of one run of penstockctl; tests make their own.
#pragma once

#include <functional>
#include <iosfwd>
#include <map>
#include <memory>
#include <string>

#include "penstockctl/daemon.h"

namespace penstock::ctl {

struct Env {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  std::map<std::string, std::string> variables;  // of the environment
  /// The daemon behind a unix socket. Connects when first asked.
  std::function<std::unique_ptr<Daemon>(const std::string& socket)> connect;
};

}  // namespace penstock::ctl
