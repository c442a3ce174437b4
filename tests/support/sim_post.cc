#include "support/sim_post.h"

#include <algorithm>

namespace penstock {

void SimPost::leave(const Endpoint& endpoint, const std::shared_ptr<SimMailbox>& mailbox) {
  const auto found = groups_.find(endpoint);
  if (found == groups_.end()) return;
  std::erase(found->second.group, mailbox);
  if (found->second.group.empty()) groups_.erase(found);
}

void SimPost::readdress(const IpAddress& host, const IpAddress& outside) {
  if (const auto old = outside_.find(host); old != outside_.end()) inside_.erase(old->second);
  outside_[host] = outside;
  inside_[outside] = host;
}

const SimDatagramPath& SimPost::path_of(const Pair& pair) const {
  if (const auto both = pairs_.find(pair); both != pairs_.end()) return both->second;
  const auto own = paths_.find(pair.second);
  return own == paths_.end() ? path_ : own->second;
}

void SimPost::send(const Endpoint& from, const Endpoint& to, const std::string& payload, std::uint8_t ecn) {
  const auto inside = inside_.find(to.address);
  const Pair pair{from.address, inside == inside_.end() ? to.address : inside->second};
  const SimDatagramPath& path = path_of(pair);
  if (payload.size() > path.largest) return;
  const auto seen = outside_.find(from.address);
  const Endpoint sender{seen == outside_.end() ? from.address : seen->second, from.port};
  const int copies = random_.chance(path.duplication) ? 2 : 1;
  for (int copy = 0; copy < copies; ++copy) launch(path, pair, sender, to, payload, mark(path, ecn));
}

/// RFC 3168: only what is capable of it can be told of congestion.
std::uint8_t SimPost::mark(const SimDatagramPath& path, std::uint8_t ecn) {
  if (path.bleaches || ecn == 0) return 0;
  return path.marking > 0 && random_.chance(path.marking) ? 3 : ecn;
}

void SimPost::launch(const SimDatagramPath& path, const Pair& pair, const Endpoint& from, const Endpoint& to,
                     const std::string& payload, std::uint8_t ecn) {
  const auto waits = queue(path, pair, payload.size());
  if (!waits || random_.chance(path.loss)) return;
  Duration delay = path.delay + *waits;
  if (random_.chance(path.reordering))
    delay += Duration{random_.between(0, static_cast<std::uint64_t>(path.held.count()))};
  clock_.schedule(clock_.now() + delay, this,
                  [this, from, to, payload, ecn] { arrive(from, to, payload, ecn); });
}

std::optional<Duration> SimPost::queue(const SimDatagramPath& path, const Pair& pair, std::size_t bytes) {
  if (path.bytes_per_second == 0) return Duration{};
  Time& busy = busy_[pair];
  busy = std::max(busy, clock_.now());
  if (busy - clock_.now() > path.queue) return {};
  busy += Duration{static_cast<Duration::rep>(bytes * 1'000'000'000 / path.bytes_per_second)};
  return busy - clock_.now();
}

void SimPost::arrive(const Endpoint& from, const Endpoint& to, const std::string& payload, std::uint8_t ecn) {
  const auto inside = inside_.find(to.address);
  const IpAddress& host = inside == inside_.end() ? to.address : inside->second;
  const auto found = groups_.find({host, to.port});
  if (found == groups_.end()) return;
  const Group& group = found->second.group;
  group[choose(found->second, from, payload) % group.size()]->put({from, host, payload, ecn});
}

std::size_t SimPost::choose(const Bound& bound, const Endpoint& from, const std::string& payload) {
  if (bound.sharing == Sharing::kByPeer) return IpAddressHash{}(from.address) * 31 + from.port;
  const std::size_t at = !payload.empty() && (payload[0] & 0x80) != 0 ? 6 : 1;
  return at < payload.size() ? static_cast<unsigned char>(payload[at]) : 0;
}

}  // namespace penstock
