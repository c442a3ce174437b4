#include "steering/backend_sources.h"

#include <algorithm>
#include <cstdlib>

namespace penstock {

std::size_t EndpointHash::operator()(const Endpoint& endpoint) const {
  return IpAddressHash{}(endpoint.address) + endpoint.port * std::size_t{0x9e3779b97f4a7c15};
}

std::optional<std::uint32_t> BackendSources::take(const Endpoint& backend, Time now) {
  if (opened_ == 0) return std::nullopt;  // and no entry is made for nothing
  Backend& of = backends_[backend];
  if (of.fresh < opened_) {
    ++of.used;
    return of.fresh++;
  }
  if (of.resting.empty() || !has_rested(of.resting.front(), now)) return std::nullopt;
  const std::uint32_t source = of.resting.front().source;
  of.resting.pop_front();
  ++of.used;
  return source;
}

void BackendSources::give_back(const Endpoint& backend, std::uint32_t source, Time now) {
  one_less(backend).resting.push_back({source, now});
}

void BackendSources::return_unused(const Endpoint& backend, std::uint32_t source, Time now) {
  one_less(backend).resting.push_front({source, now - quarantine_});
}

BackendSources::Backend& BackendSources::one_less(const Endpoint& backend) {
  const auto found = backends_.find(backend);
  if (found == backends_.end() || found->second.used == 0) std::abort();
  --found->second.used;
  return found->second;
}

bool BackendSources::claim(const Endpoint& backend, std::uint32_t source, Time now) {
  if (source >= most_) return false;
  opened_ = std::max(opened_, source + 1);
  Backend& of = backends_[backend];
  for (; of.fresh <= source; ++of.fresh) of.resting.push_back({of.fresh, now});
  const auto resting = std::find_if(of.resting.begin(), of.resting.end(),
                                    [source](const Resting& each) { return each.source == source; });
  if (resting == of.resting.end()) return false;
  of.resting.erase(resting);
  ++of.used;
  return true;
}

void BackendSources::tidy(Time now) {
  std::erase_if(backends_, [&](const auto& entry) {
    const Backend& backend = entry.second;
    return backend.used == 0 && has_rested(backend.resting.back(), now);
  });
}

}  // namespace penstock
