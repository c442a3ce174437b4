#include "edge/hub_address.h"

#include "base/file_descriptor.h"
#include "config/secret_file.h"
#include "proto/token.h"

namespace penstock {
namespace {

constexpr std::size_t kFileLimit = 256 << 10;

Result<Token> read_token(const EdgeConfig& config) {
  if (!config.token_file.empty()) {
    auto text = read_secret_file(config.token_file, kFileLimit);
    if (!text) return text.error();
    auto token = decode_token(*text);
    if (token) return token;
    Error why = std::move(token).error().within(config.token_file);
    why.what +=
        ": it must be all that the hub printed, else make another there (penstockctl edges rotate ID)";
    return why;
  }
  auto secret = read_secret(config.secret_file, 1);
  if (!secret) return secret.error();
  Token token{.hub = *config.hub, .edge_id = config.id, .secret = *secret, .pins = {}};
  for (const std::string& text : config.pins) {
    auto pin = parse_pin(text);
    if (!pin) return std::move(pin).error().within("edge.pins");
    token.pins.push_back(*pin);
  }
  return token;
}

/// `Kind` is TlsContext or QuicTls.
template <class Kind>
Result<std::unique_ptr<Kind>> make_context(const EdgeConfig& config, const Token& token) {
  if (!config.ca_file.empty()) {
    auto pem = read_file(config.ca_file, kFileLimit);
    if (!pem) return pem.error();
    auto context = Kind::client_ca(*pem);
    if (!context) return std::move(context).error().within(config.ca_file);
    return context;
  }
  if (!token.pins.empty()) return Kind::client_pinned(token.pins);
  if (config.insecure_accept_any_hub) return Kind::client_unverified();
  return error(
      Errc::kRefused,
      "nothing says how to know the hub: use a token with its key's pin (penstockctl edges add prints one), "
      "or set edge.ca_file, edge.pins, or, against all advice, edge.insecure_accept_any_hub = true");
}

}  // namespace

Result<HubAddress> load_hub_address(const EdgeConfig& config) {
  auto token = read_token(config);
  if (!token) return token.error();
  auto context = make_context<TlsContext>(config, *token);
  if (!context) return context.error();
  auto quic = make_context<QuicTls>(config, *token);
  if (!quic) return quic.error();
  return HubAddress{.hub = token->hub,
                    .edge_id = token->edge_id,
                    .secret = token->secret,
                    .server_name = config.hub_name.empty() ? token->hub.host : config.hub_name,
                    .context = std::move(*context),
                    .quic = std::move(*quic)};
}

}  // namespace penstock
