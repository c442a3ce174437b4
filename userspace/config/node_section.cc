// [node] and [admin]: the process itself.
#include "config/sections.h"

namespace penstock {
namespace {

constexpr std::size_t kLongestSocket = 107;  // what sockaddr_un holds

constexpr Parsed<Endpoint> kLocalEndpoint{&Endpoint::parse,
                                          "ADDRESS:PORT, such as \"127.0.0.1:9090\", or \"\" for none"};

}  // namespace

const Fields<NodeConfig>& node_fields() {
  static const Fields<NodeConfig> kFields{
      field("name", &NodeConfig::name, Name{}),
      field("workers", &NodeConfig::workers, Number<std::uint32_t>{0, 256}),
      field("state_dir", &NodeConfig::state_dir, Text{1, kLongestPath, "the path of a directory"}),
      field("user", &NodeConfig::user, Text{0, 32, "the name of a user"}),
      reloadable(field("log_level", &NodeConfig::log_level, OneOf{{"debug", "info", "warning", "error"}})),
      field("access_log", &NodeConfig::access_log, kFilePath),
      reloadable(field("drain", &NodeConfig::drain, Period{0s, 24h})),
  };
  return kFields;
}

const Fields<AdminConfig>& admin_fields() {
  static const Fields<AdminConfig> kFields{
      field("socket", &AdminConfig::socket, Text{1, kLongestSocket, "the path of a unix socket"}),
      field("http", &AdminConfig::http, Maybe{kLocalEndpoint}),
      field("http_public", &AdminConfig::http_public, Flag{}),
  };
  return kFields;
}

}  // namespace penstock
