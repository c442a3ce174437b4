// The services of a hub: declared in the file, or added by an operator; and where their targets are.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "config/config.h"
#include "hub/route_table.h"
#include "proto/handshake.h"
#include "store/store.h"

namespace penstock {

/// Changes are checked against all other services and on the disk before they count. One thread.
class ServiceCatalog {
 public:
  struct Entry {
    std::shared_ptr<const Service> service;
    std::shared_ptr<ServiceBook> book;
    std::vector<IpAddress> addresses;  // of the target's host
    bool declared = false;
    Position position;
  };

  /// The store outlives the catalog.
  explicit ServiceCatalog(Store& store) : store_{store} {}

  Result<void> load(const Config& config);
  /// Whether redeclare() would succeed.
  Result<void> check(const Config& config) const;
  /// Replaces the declared services; sentences tell what changed.
  Result<std::vector<std::string>> redeclare(const Config& config);

  Result<void> add(const Service& service);
  /// Replaces the service of that name.
  Result<void> change(const Service& service);
  Result<void> remove(const std::string& name);
  /// Whether the service takes new flows. For a declared one this lasts until the hub is restarted.
  Result<void> drain(const std::string& name, bool on);

  const Entry* find(std::string_view name) const;
  const std::map<std::string, Entry, std::less<>>& entries() const { return entries_; }

  /// Hosts of targets that are names and must be resolved; what others once stood for is forgotten.
  std::set<std::string> names();
  /// What a name stands for now; true when that changed anything.
  bool resolved(const std::string& host, const std::vector<IpAddress>& addresses);

  /// What one edge is told, and what its flows are matched against. `base` brings instance, generation and
  /// features.
  Assignment assignment_for(std::string_view edge, const Assignment::Extension& base) const;
  std::shared_ptr<const RouteTable> routes_for(std::string_view edge) const;

 private:
  Result<void> check(const Service& service) const;
  Result<const Entry*> changeable(const std::string& name) const;
  void put(const Service& service, bool declared, const Position& position);

  Store& store_;
  std::map<std::string, Entry, std::less<>> entries_;
  std::map<std::string, std::vector<IpAddress>> known_hosts_;
};

}  // namespace penstock
