#include "hub/tunnel_registry.h"

#include <algorithm>

#include "steering/sip_hash.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;

constexpr Duration kContestWindow = 10min;
constexpr std::size_t kContested = 3;  // replacements within the window

}  // namespace

std::uint64_t hash_of_edge(std::string_view id) {
  return sip_hash_13({}, as_bytes(id));
}

TunnelRegistry::Placed TunnelRegistry::place(const std::string& edge, std::uint64_t instance, bool legacy,
                                             std::uint32_t index, CarrierId carrier, Time now, bool beside) {
  Placed placed;
  auto found = tunnels_.find(edge);
  if (found != tunnels_.end() && found->second.instance != instance) {
    for (const auto& [_, old] : found->second.carriers) placed.replaced.push_back(old);
    placed.contested = contested(edge, now);
    tunnels_.erase(found);
    found = tunnels_.end();
  }
  if (found == tunnels_.end()) {
    placed.connected = placed.replaced.empty();
    found =
        tunnels_.emplace(edge, Tunnel{.instance = instance, .legacy = legacy, .since = now, .carriers = {}})
            .first;
  }
  auto& carriers = found->second.carriers;
  const auto old = carriers.find(index);
  if (old == carriers.end() && carriers.size() >= most_carriers_) {
    placed.refused = true;
    return placed;
  }
  if (old != carriers.end() && !beside) placed.replaced.push_back(old->second);
  carriers[index] = carrier;
  return placed;
}

unsigned TunnelRegistry::home(const std::string& edge, std::uint64_t instance, std::uint32_t index,
                              unsigned here) {
  Homes& homes = homes_[edge];
  if (homes.instance != instance) homes = {.instance = instance, .workers = {}};
  if (homes.workers.size() >= most_carriers_ && !homes.workers.contains(index)) return here;
  const auto left = inherited_.find({hash_of_edge(edge), instance, index});
  const unsigned at = left == inherited_.end() ? here : left->second;
  if (left != inherited_.end()) inherited_.erase(left);
  return homes.workers.try_emplace(index, at).first->second;
}

bool TunnelRegistry::contested(const std::string& edge, Time now) {
  auto& times = replacements_[edge];
  while (!times.empty() && now - times.front() >= kContestWindow) times.pop_front();
  times.push_back(now);
  if (times.size() > kContested) times.pop_front();
  return times.size() >= kContested;
}

bool TunnelRegistry::remove(const std::string& edge, CarrierId carrier) {
  const auto found = tunnels_.find(edge);
  if (found == tunnels_.end()) return false;
  const auto erased =
      std::erase_if(found->second.carriers, [&](const auto& entry) { return entry.second == carrier; });
  if (erased == 0 || !found->second.carriers.empty()) return false;
  tunnels_.erase(found);
  return true;
}

const TunnelRegistry::Tunnel* TunnelRegistry::find(const std::string& edge) const {
  const auto found = tunnels_.find(edge);
  return found == tunnels_.end() ? nullptr : &found->second;
}

}  // namespace penstock
