// quicloop: a bare connection of QUIC, which tunnels over QUIC are measured against.
#include <charconv>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>

#include "bare_connection.h"
#include "flowload/report.h"
#include "net/bound_quic.h"
#include "net/certificate.h"

namespace penstock {
namespace {

int complain(const std::string& what, int status) {
  std::fprintf(stderr, "quicloop: %s\n", what.c_str());
  return status;
}

bool parse(std::string_view text, std::size_t& out) {
  return std::from_chars(text.data(), text.data() + text.size(), out).ptr == text.data() + text.size();
}

int serve(const Endpoint& on, bool echoes) {
  const auto own = make_certificate("bench");
  if (!own) return complain(own.error().what, 1);
  const auto tls = QuicTls::server(own->certificate_pem, own->key_pem, {});
  if (!tls) return complain(tls.error().what, 1);
  auto bound = bind_quic_sockets(on, 1);
  if (!bound) return complain(bound.error().what, 1);
  flowload::Report{"ready"}.print();
  BareConnection{std::move(bound->front()), **tls, nullptr, echoes}.run();
  return 0;
}

int load(const Endpoint& server, const Plan& plan) {
  const auto tls = QuicTls::client_unverified();
  if (!tls) return complain(tls.error().what, 1);
  auto bound = bind_quic_sockets({server.address.is_v4() ? IpAddress::v4(0) : IpAddress{}, 0}, 1);
  if (!bound) return complain(bound.error().what, 1);
  BareConnection end{std::move(bound->front()), **tls, &plan, plan.rate == 0};
  if (!end.dial(server)) return complain("cannot make a connection", 1);
  end.run();
  return 0;
}

int start(std::span<const char* const> arguments) {
  constexpr std::string_view kUsage =
      "serve ADDR:PORT | swallow ADDR:PORT | streams ADDR:PORT SECONDS COUNT | "
      "load ADDR:PORT SECONDS DATAGRAM_BYTES [WINDOW] | "
      "push ADDR:PORT SECONDS DATAGRAM_BYTES [RATE]";
  const std::string_view command = arguments.empty() ? "" : arguments[0];
  const bool serves = (command == "serve" || command == "swallow") && arguments.size() == 2;
  const bool pushes = command == "push" && (arguments.size() == 4 || arguments.size() == 5);
  const bool loads = command == "load" && (arguments.size() == 4 || arguments.size() == 5);
  const bool streams = command == "streams" && arguments.size() == 4;
  if (!serves && !pushes && !loads && !streams) return complain(std::string{kUsage}, 2);
  const auto address = Endpoint::parse(arguments[1]);
  if (!address) return complain(address.error().what, 2);
  if (serves) return serve(*address, command == "serve");
  Plan plan;
  if (pushes) plan.rate = kEndless;
  std::size_t seconds = 0;
  if (!parse(arguments[2], seconds) || !parse(arguments[3], streams ? plan.streams : plan.datagram) ||
      (arguments.size() > 4 && !parse(arguments[4], pushes ? plan.rate : plan.window)))
    return complain(std::string{kUsage}, 2);
  if (plan.streams == 0 || plan.streams > kMostStreams || (!streams && plan.datagram == 0))
    return complain(std::string{kUsage}, 2);
  plan.span = std::chrono::seconds{seconds};
  return load(*address, plan);
}

}  // namespace
}  // namespace penstock

int main(int argc, char** argv) {
  const std::span arguments{argv, static_cast<std::size_t>(argc)};
  return penstock::start(
      std::span<const char* const>{arguments.data() + 1, arguments.empty() ? 0 : arguments.size() - 1});
}
