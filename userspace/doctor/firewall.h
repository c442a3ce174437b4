// What stands between UDP and a socket besides us: rules of nftables, connection tracking. Best effort.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace penstock::doctor {

/// "inet filter input", of each chain with a rule that names UDP; nothing where nft is not installed or
/// refuses.
std::vector<std::string> udp_rules();
/// The same, from what `nft -j list ruleset` wrote.
std::vector<std::string> udp_rules_of(std::string_view ruleset);

/// Whether connections of this network namespace are tracked now.
bool tracks_connections();

}  // namespace penstock::doctor
