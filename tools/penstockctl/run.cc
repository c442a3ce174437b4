#include "penstockctl/run.h"

#include <ostream>

#include "penstockctl/command_line.h"

namespace penstock::ctl {
namespace {

ExitStatus status_of(const Error& failure) {
  if (failure.code == make_error_code(Errc::kRefused)) return ExitStatus::kRefused;
  if (failure.code == make_error_code(Errc::kUnavailable)) return ExitStatus::kUnreachable;
  if (failure.code == make_error_code(Errc::kProtocol)) return ExitStatus::kUnreachable;
  return ExitStatus::kUsage;
}

ExitStatus fail(Env& env, const Error& failure) {
  env.err << "penstockctl: " << failure.what << '\n';
  return status_of(failure);
}

}  // namespace

ExitStatus run(std::span<const std::string> words, Env& env) {
  const auto invocation = parse_command_line(words);
  if (!invocation) return fail(env, invocation.error());
  const auto done = invocation->command->run(*invocation, env);
  if (!done) return fail(env, done.error());
  if (!env.out.flush())
    return fail(env, error(Errc::kInvalid, "standard output cannot be written: is the disk full?"));
  return ExitStatus::kDone;
}

}  // namespace penstock::ctl
