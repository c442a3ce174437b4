#include "support/sim_post.h"

namespace penstock {

void SimPost::leave(const Endpoint& endpoint, const std::shared_ptr<SimMailbox>& mailbox) {
  const auto found = groups_.find(endpoint);
  if (found == groups_.end()) return;
  std::erase(found->second.group, mailbox);
  if (found->second.group.empty()) groups_.erase(found);
}

void SimPost::send(const Endpoint& from, const Endpoint& to, const std::string& payload) {
  const auto own = paths_.find(to.address);
  const SimDatagramPath& path = own == paths_.end() ? path_ : own->second;
  const int copies = random_.chance(path.duplication) ? 2 : 1;
  for (int copy = 0; copy < copies; ++copy) launch(path, from, to, payload);
}

void SimPost::launch(const SimDatagramPath& path, const Endpoint& from, const Endpoint& to,
                     const std::string& payload) {
  if (random_.chance(path.loss)) return;
  Duration delay = path.delay;
  if (random_.chance(path.reordering))
    delay += Duration{random_.between(0, static_cast<std::uint64_t>(path.held.count()))};
  clock_.schedule(clock_.now() + delay, this, [this, from, to, payload] { arrive(from, to, payload); });
}

void SimPost::arrive(const Endpoint& from, const Endpoint& to, const std::string& payload) {
  const auto found = groups_.find(to);
  if (found == groups_.end()) return;
  const Group& group = found->second.group;
  group[choose(found->second, from, payload) % group.size()]->put({from, to.address, payload});
}

std::size_t SimPost::choose(const Bound& bound, const Endpoint& from, const std::string& payload) {
  if (bound.sharing == Sharing::kByPeer) return IpAddressHash{}(from.address) * 31 + from.port;
  const std::size_t at = !payload.empty() && (payload[0] & 0x80) != 0 ? 6 : 1;
  return at < payload.size() ? static_cast<unsigned char>(payload[at]) : 0;
}

}  // namespace penstock
