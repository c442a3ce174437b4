// The world of one run of penstockctl; tests make their own.
#pragma once

#include <functional>
#include <iosfwd>
#include <map>
#include <memory>
#include <string>

#include "doctor/examination.h"
#include "penstockctl/daemon.h"

namespace penstock::ctl {

struct Env {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  std::map<std::string, std::string> variables;  // of the environment
  /// The daemon behind a unix socket. Connects when first asked.
  std::function<std::unique_ptr<Daemon>(const std::string& socket)> connect;
  // This host: whether a file exists, what there is to know of it, and taking a node's kernel programs away.
  std::function<bool(const std::string& path)> exists;
  std::function<doctor::HostFacts(const doctor::Examination& wanted)> examine;
  std::function<Result<void>(const Config& config)> detach;
};

}  // namespace penstock::ctl
