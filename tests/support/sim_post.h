// The datagrams between simulated hosts: which sockets there are, and what becomes of what is sent to them.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "support/sim_clock.h"
#include "support/sim_datagram_path.h"
#include "support/sim_mailbox.h"
#include "support/sim_random.h"

namespace penstock {

/// Part of a SimInternet. UDP's ports are apart from TCP's.
class SimPost {
 public:
  using Group = std::vector<std::shared_ptr<SimMailbox>>;
  /// How a group shares out what comes.
  enum class Sharing {
    kByPeer,          // one peer's datagrams always reach the same mailbox
    kByConnectionId,  // by the first byte of the id that a packet of QUIC goes to
  };

  SimPost(SimClock& clock, std::uint64_t seed) : clock_{clock}, random_{seed} {}
  ~SimPost() { clock_.drop(this); }
  SimPost(const SimPost&) = delete;
  SimPost& operator=(const SimPost&) = delete;

  void set_path(const SimDatagramPath& path) { path_ = path; }
  void set_path_to(const IpAddress& host, const SimDatagramPath& path) { paths_[host] = path; }
  /// Goes before the path to the host. Both by the addresses that the hosts have themselves.
  void set_path_between(const IpAddress& from, const IpAddress& to, const SimDatagramPath& path) {
    pairs_[{from, to}] = path;
  }
  /// A NAT before a host: what it sends comes from `outside` from now on, and answers to that reach it; those
  /// to the address outside that it had before do not.
  void readdress(const IpAddress& host, const IpAddress& outside);

  void occupy(const Endpoint& endpoint) { occupied_.insert(endpoint); }
  void vacate(const Endpoint& endpoint) { occupied_.erase(endpoint); }

  bool is_free(const Endpoint& endpoint) const {
    return !occupied_.contains(endpoint) && !groups_.contains(endpoint);
  }
  /// The endpoint must be free.
  void bind(const Endpoint& endpoint, const Group& group, Sharing sharing = Sharing::kByPeer) {
    groups_[endpoint] = {group, sharing};
  }
  /// Others of its group share what would have come to it.
  void leave(const Endpoint& endpoint, const std::shared_ptr<SimMailbox>& mailbox);

  /// What nobody is bound to receive when it arrives is lost.
  void send(const Endpoint& from, const Endpoint& to, const std::string& payload, std::uint8_t ecn);

 private:
  using Pair = std::pair<IpAddress, IpAddress>;
  struct Bound {
    Group group;
    Sharing sharing = Sharing::kByPeer;
  };
  static std::size_t choose(const Bound& bound, const Endpoint& from, const std::string& payload);
  const SimDatagramPath& path_of(const Pair& pair) const;
  void launch(const SimDatagramPath& path, const Pair& pair, const Endpoint& from, const Endpoint& to,
              const std::string& payload, std::uint8_t ecn);
  std::uint8_t mark(const SimDatagramPath& path, std::uint8_t ecn);
  /// How long it waits for its turn on the path; nothing: too long.
  std::optional<Duration> queue(const SimDatagramPath& path, const Pair& pair, std::size_t bytes);
  void arrive(const Endpoint& from, const Endpoint& to, const std::string& payload, std::uint8_t ecn);

  SimClock& clock_;
  SimRandom random_;
  SimDatagramPath path_;
  std::map<IpAddress, SimDatagramPath> paths_;
  std::map<Pair, SimDatagramPath> pairs_;
  std::map<Pair, Time> busy_;               // until when, of paths that have a speed
  std::map<IpAddress, IpAddress> outside_;  // of hosts behind a NAT
  std::map<IpAddress, IpAddress> inside_;
  std::set<Endpoint> occupied_;
  std::map<Endpoint, Bound> groups_;
};

}  // namespace penstock
