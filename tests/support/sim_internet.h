// All that is between simulated hosts: who listens where, names, paths, and the connections there are.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "net/network.h"
#include "support/sim_clock.h"
#include "support/sim_faults.h"
#include "support/sim_path.h"
#include "support/sim_post.h"
#include "support/sim_random.h"
#include "support/sim_wire.h"

namespace penstock {

/// Hosts reach it through a SimNetwork each. Tests change it at any time; what they change holds for
/// connections made from then on. Outlives every connection. One thread.
class SimInternet {
 public:
  /// Who is told of connections to an endpoint.
  struct Listening {
    Loop* loop;
    std::weak_ptr<ListenerObserver*> observer;  // gone when nobody listens any more
  };

  SimInternet(SimClock& clock, std::uint64_t seed) : clock_{clock}, random_{seed}, post_{clock, seed + 1} {}
  SimInternet(const SimInternet&) = delete;
  SimInternet& operator=(const SimInternet&) = delete;

  SimClock& clock() { return clock_; }
  SimFaults& faults() { return faults_; }
  /// All of UDP: its paths, what is bound, what is occupied.
  SimPost& post() { return post_; }

  /// The path of connections to hosts for which no other is set.
  void set_path(const SimPath& path) { path_ = path; }
  void set_path_to(const IpAddress& host, const SimPath& path) { paths_[host] = path; }
  const SimPath& path_to(const IpAddress& host) const;

  /// What a name stands for; no addresses: there is no such name.
  void set_name(const std::string& name, std::vector<IpAddress> addresses) {
    names_[name] = std::move(addresses);
  }
  Result<std::vector<IpAddress>> look_up(const std::string& name) const;

  /// A silent host answers no dial, not even by refusing it, and gets no datagrams.
  void set_silent(const IpAddress& host, bool silent);
  bool silent(const IpAddress& host) const { return silent_.contains(host); }

  /// A program that is none of ours listens there.
  void occupy(const Endpoint& endpoint) { occupied_.insert(endpoint); }
  void vacate(const Endpoint& endpoint) { occupied_.erase(endpoint); }

  bool listen(const Endpoint& endpoint, const Listening& who);
  void stop_listening(const Endpoint& endpoint) { listening_.erase(endpoint); }
  bool listens(const Endpoint& endpoint) const { return listening_.contains(endpoint); }
  /// Makes a connection, hands one end to who listens there and returns it; null when nobody does.
  std::shared_ptr<SimWire> connect(const Endpoint& from, const Endpoint& to);

  /// The open connections that were dialled to an endpoint, oldest first.
  std::vector<std::shared_ptr<SimWire>> wires_to(const Endpoint& endpoint);

  /// With TLS in truth, or, which is the default, as if there were none: TLS has tests of its own.
  void set_tls(bool on) { tls_ = on; }
  bool tls() const { return tls_; }

 private:
  SimClock& clock_;
  SimRandom random_;
  SimPost post_;
  SimFaults faults_;
  SimPath path_;
  std::map<IpAddress, SimPath> paths_;
  std::map<std::string, std::vector<IpAddress>> names_;
  std::set<IpAddress> silent_;
  std::set<Endpoint> occupied_;
  std::map<Endpoint, Listening> listening_;
  std::map<Endpoint, std::vector<std::weak_ptr<SimWire>>> wires_;
  bool tls_ = false;
};

}  // namespace penstock
