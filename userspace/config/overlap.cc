#include "config/overlap.h"

#include <algorithm>
#include <map>
#include <string_view>

namespace penstock {
namespace {

struct Claim {
  PortRange range;
  std::size_t service;
  auto operator<=>(const Claim&) const = default;
};

/// Every range of every service, by first port.
std::vector<Claim> claims_of(const std::vector<Service>& services) {
  std::vector<Claim> claims;
  for (std::size_t i = 0; i < services.size(); ++i) {
    for (const PortRange& range : services[i].ports.ranges()) claims.push_back({range, i});
  }
  std::sort(claims.begin(), claims.end());
  return claims;
}

bool share_an_edge(const Service& a, const Service& b) {
  return std::any_of(a.edges.begin(), a.edges.end(),
                     [&](const std::string& id) { return id == "*" || b.is_for(id); });
}

/// "TCP", "UDP" or "TCP and UDP"; "" for services that contend for none.
std::string_view shared_protocol(const Service& a, const Service& b) {
  const bool tcp = a.has_tcp() && b.has_tcp();
  const bool udp = a.has_udp() && b.has_udp();
  if (tcp && udp) return "TCP and UDP";
  if (tcp) return "TCP";
  return udp ? "UDP" : "";
}

Overlap of_ports(const std::vector<Service>& services, std::size_t a, std::size_t b, std::uint16_t port) {
  const auto [first, second] = std::minmax(a, b);
  return {first, second, false,
          "services \"" + services[first].name + "\" and \"" + services[second].name + "\" both claim " +
              std::string{shared_protocol(services[first], services[second])} + " port " +
              std::to_string(port) + " of an edge: take it from one of them"};
}

void find_same_names(const std::vector<Service>& services, std::size_t most, std::vector<Overlap>& found) {
  std::map<std::string_view, std::size_t> seen;
  for (std::size_t i = 0; i < services.size() && found.size() < most; ++i) {
    if (services[i].name.empty()) continue;
    const auto [at, fresh] = seen.emplace(services[i].name, i);
    if (!fresh)
      found.push_back(
          {at->second, i, true, "two services are named \"" + services[i].name + "\": rename one"});
  }
}

}  // namespace

std::vector<Overlap> find_overlaps(const std::vector<Service>& services, std::size_t most) {
  std::vector<Overlap> found;
  find_same_names(services, most, found);
  const std::vector<Claim> claims = claims_of(services);
  for (auto claim = claims.begin(); claim != claims.end(); ++claim) {
    // Sorted by first port: those that begin within this range are its rivals, and then none is.
    for (auto rival = claim + 1; rival != claims.end() && rival->range.first <= claim->range.last; ++rival) {
      if (found.size() >= most) return found;
      const Service& one = services[claim->service];
      const Service& other = services[rival->service];
      if (shared_protocol(one, other).empty() || !share_an_edge(one, other)) continue;
      found.push_back(of_ports(services, claim->service, rival->service, rival->range.first));
    }
  }
  return found;
}

}  // namespace penstock
