// A daemon and an environment that a test scripts.
#pragma once

#include <boost/json/parse.hpp>
#include <deque>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "penstockctl/run.h"

namespace penstock::ctl::test {

inline boost::json::object object(std::string_view text) {
  return boost::json::parse(text).as_object();
}

/// Runs penstockctl against answers given beforehand; keeps what it asked and printed.
class FakeWorld {
 public:
  /// The next answer; a body goes to the line sink, line by line, when there is one and the status is 200.
  void answer(unsigned status, std::string body) {
    answers_.emplace_back(DaemonAnswer{status, std::move(body)});
  }
  void answer(Error failure) { answers_.emplace_back(std::move(failure)); }
  void variable(const std::string& name, std::string value) { variables_[name] = std::move(value); }
  void input(const std::string& text) { in_.str(text); }
  void break_output() { out_.setstate(std::ios::badbit); }

  ExitStatus run(std::vector<std::string> words) {
    Env env{in_,
            out_,
            err_,
            variables_,
            [this](const std::string& socket) {
              sockets.push_back(socket);
              return std::make_unique<FakeDaemon>(*this);
            },
            [this](const std::string& path) { return path == existing; },
            [this](const doctor::Examination& wanted) {
              examined.push_back(wanted);
              return facts;
            },
            [this](const Config& config) {
              detached.push_back(config);
              return detaching;
            }};
    return ctl::run(words, env);
  }

  std::string out() const { return out_.str(); }
  std::string err() const { return err_.str(); }

  std::vector<DaemonRequest> asked;
  std::vector<std::string> sockets;
  std::string existing;  // the one file that there is
  doctor::HostFacts facts;
  std::vector<doctor::Examination> examined;
  std::vector<Config> detached;
  Result<void> detaching;

 private:
  class FakeDaemon final : public Daemon {
   public:
    explicit FakeDaemon(FakeWorld& world) : world_{world} {}
    Result<DaemonAnswer> ask(const DaemonRequest& request, const LineSink& lines) override {
      world_.asked.push_back(request);
      if (world_.answers_.empty()) return error(Errc::kUnavailable, "no answer is left");
      auto answer = std::move(world_.answers_.front());
      world_.answers_.pop_front();
      if (!answer || !lines || answer->status != 200) return answer;
      std::istringstream body{std::exchange(answer->body, {})};
      for (std::string line; std::getline(body, line);) lines(line);
      return answer;
    }

   private:
    FakeWorld& world_;
  };

  std::istringstream in_;
  std::ostringstream out_;
  std::ostringstream err_;
  std::map<std::string, std::string> variables_;
  std::deque<Result<DaemonAnswer>> answers_;
};

}  // namespace penstock::ctl::test
