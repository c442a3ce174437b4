#include "penstockctl/ask.h"

#include <boost/json/parse.hpp>
#include <ostream>
#include <utility>

#include "base/text.h"
#include "penstockctl/field.h"

namespace penstock::ctl {
namespace {

constexpr std::string_view kDefaultSocket = "/run/penstock/admin.sock";
constexpr std::size_t kMaxSentence = 2048;

std::string socket_of(const Invocation& invocation, const Env& env) {
  if (invocation.socket) return *invocation.socket;
  const auto variable = env.variables.find("PENSTOCK_SOCKET");
  return variable == env.variables.end() || variable->second.empty() ? std::string{kDefaultSocket}
                                                                     : variable->second;
}

Error refusal(const DaemonAnswer& answer) {
  const auto body = read_object(answer.body);
  const auto* sentence = body ? body->if_contains("error") : nullptr;
  if (sentence != nullptr && sentence->is_string()) {
    return error(Errc::kRefused, printable(std::string_view{sentence->get_string()}, kMaxSentence));
  }
  return error(Errc::kRefused,
               "the daemon answered " + std::to_string(answer.status) + " and no reason; see its log");
}

}  // namespace

Result<std::string> ask(const Invocation& invocation, Env& env, const DaemonRequest& request,
                        const LineSink& lines) {
  const auto daemon = env.connect(socket_of(invocation, env));
  auto answer = daemon->ask(request, lines);
  if (!answer) return std::move(answer).error();
  if (answer->status < 200 || answer->status > 299) return refusal(*answer);
  return std::move(answer->body);
}

Result<boost::json::object> read_object(std::string_view body) {
  boost::json::error_code failed;
  boost::json::value value = boost::json::parse(body, failed);
  if (failed || !value.is_object()) {
    return error(Errc::kProtocol,
                 "the daemon's answer is no JSON object: is another program behind the socket?");
  }
  return std::move(value.get_object());
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (kPlain.find(c) != std::string_view::npos) {
      out.push_back(c);
    } else {
      const auto value = static_cast<unsigned char>(c);
      out.append({'%', kDigits[value >> 4], kDigits[value & 15]});
    }
  }
  return out;
}

void print_raw(Env& env, std::string_view body) {
  env.out << body;
  if (!body.ends_with('\n')) env.out << '\n';
}

}  // namespace penstock::ctl
