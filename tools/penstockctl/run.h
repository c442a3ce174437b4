// The whole program but its process: what main() and the tests call.
#pragma once

#include <span>
#include <string>

#include "penstockctl/env.h"

namespace penstock::ctl {

enum class ExitStatus : int {
  kDone = 0,
  kRefused = 1,      // the daemon said no, or its books do not balance
  kUsage = 2,        // the command line, or a file it names, is wrong
  kUnreachable = 3,  // the daemon cannot be reached or understood
};

/// Runs the command that `words` (without the program's name) ask for. Results go to
/// env.out, errors to env.err.
ExitStatus run(std::span<const std::string> words, Env& env);

}  // namespace penstock::ctl
