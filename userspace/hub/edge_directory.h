// The edges that may connect: declared in the file, or added by an operator.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "config/config.h"
#include "store/store.h"

namespace penstock {

/// Knows every edge's secret, salted and hashed. Changes are on the disk before they count. One thread.
class EdgeDirectory {
 public:
  /// Seconds since 1970.
  using WallClock = std::function<std::int64_t()>;

  struct Entry {
    EdgeRecord record;
    bool declared = false;
    Position position;  // where, when declared
    bool rotating = false;
  };

  /// The store outlives the directory.
  EdgeDirectory(Store& store, WallClock clock) : store_{store}, clock_{std::move(clock)} {}

  /// Reads the store, and the secrets of the declared edges.
  Result<void> load(const Config& config);
  /// Replaces the declared edges; ids that are gone are returned.
  Result<std::vector<std::string>> redeclare(const Config& config);

  /// Whether the secret is the edge's. Spends the same time on ids that nobody has.
  bool authenticate(std::string_view id, std::string_view secret);

  /// Adds an edge with a secret of ours, or an imported one; returns the secret, which is not kept.
  Result<std::string> add(const std::string& id, const std::string& imported_secret);
  /// A new secret; the old one counts until the new one is used, or for a day.
  Result<std::string> rotate(const std::string& id);
  Result<void> remove(const std::string& id);

  std::vector<Entry> list() const;
  bool contains(std::string_view id) const { return edges_.contains(id); }
  std::size_t size() const { return edges_.size(); }

 private:
  Result<std::map<std::string, Entry, std::less<>>> declared(const Config& config);
  Result<Entry*> changeable(const std::string& id);

  Store& store_;
  WallClock clock_;
  std::map<std::string, Entry, std::less<>> edges_;
};

}  // namespace penstock
