// The store: edges and services that an operator added to a running hub, kept across restarts.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "config/service.h"
#include "store/database.h"
#include "store/edge_record.h"

namespace penstock {

/// One SQLite file, owned by the hub. One thread at a time. What returned without error is on the disk, so a
/// change may take as long as the disk takes to sync. Errors name the file; kUnavailable may pass, kInvalid
/// will not.
class Store {
 public:
  /// Opens `state_dir`/penstock.db and makes it with mode 0600 if it is missing; the directory must exist. A
  /// file that is damaged, of another program, or of a newer version of this one is refused and left as it
  /// is.
  static Result<Store> open(const std::string& state_dir);

  /// All edges, by id.
  Result<std::vector<EdgeRecord>> edges();
  /// Adds the edge, or replaces the one of that id. kInvalid if the id cannot be one.
  Result<void> put_edge(const EdgeRecord& edge);
  /// kNotFound if there is none of that id.
  Result<void> remove_edge(std::string_view id);

  /// All services, by name.
  Result<std::vector<Service>> services();
  /// Adds the service, or replaces the one of that name.
  Result<void> put_service(const Service& service);
  /// kNotFound if there is none of that name.
  Result<void> remove_service(std::string_view name);

 private:
  Store(Database database, std::vector<Statement> statements)
      : database_{std::move(database)}, statements_{std::move(statements)} {}
  Result<void> remove(Statement& statement, std::string_view what, std::string_view key);

  Database database_;
  std::vector<Statement> statements_;  // in the order of kStatements
};

}  // namespace penstock
