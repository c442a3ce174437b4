#include "store/store.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/file_descriptor.h"
#include "base/text.h"
#include "config/edge_id.h"

namespace penstock {
namespace {

constexpr std::string_view kSchemaVersion = "1";         // PRAGMA user_version
constexpr std::string_view kApplication = "1347638321";  // PRAGMA application_id: "PST1" as a number

constexpr std::string_view kSchema = R"(
BEGIN IMMEDIATE;
CREATE TABLE edges (
  id TEXT NOT NULL PRIMARY KEY,
  salt BLOB NOT NULL,
  hash BLOB NOT NULL,
  previous_salt BLOB,
  previous_hash BLOB,
  previous_until INTEGER NOT NULL,
  created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE services (
  name TEXT NOT NULL PRIMARY KEY,
  json TEXT NOT NULL
) STRICT, WITHOUT ROWID;
)";

enum Prepared : std::size_t { kListEdges, kPutEdge, kRemoveEdge, kListServices, kPutService, kRemoveService };
constexpr std::array<std::string_view, 6> kStatements{
    "SELECT id, salt, hash, previous_salt, previous_hash, previous_until, created FROM edges ORDER BY id",
    "INSERT INTO edges VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET salt = excluded.salt, "
    "hash = excluded.hash, previous_salt = excluded.previous_salt, previous_hash = excluded.previous_hash, "
    "previous_until = excluded.previous_until, created = excluded.created",
    "DELETE FROM edges WHERE id = ?",
    "SELECT name, json FROM services ORDER BY name",
    "INSERT INTO services VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET json = excluded.json",
    "DELETE FROM services WHERE name = ?",
};

/// SQLite makes its files with the mode of the process; ours is made beforehand, for its owner alone.
Result<void> make_private_file(const std::string& path) {
  const FileDescriptor file{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (!file) return system_error("cannot open " + path, errno);
  if (::fchmod(file.get(), 0600) != 0) return system_error("cannot set the mode of " + path, errno);
  return {};
}

Result<void> create_schema(Database& database) {
  std::string sql{kSchema};
  sql.append("PRAGMA application_id = ").append(kApplication).append(";");
  sql.append("PRAGMA user_version = ").append(kSchemaVersion).append(";COMMIT;");
  return database.execute(sql);
}

/// Answers of PRAGMAs and counts, asked until one fails.
Result<std::vector<std::string>> ask_all(Database& database,
                                         std::initializer_list<std::string_view> questions) {
  std::vector<std::string> answers;
  for (const std::string_view sql : questions) {
    auto answer = database.ask(sql);
    if (!answer) return answer.error();
    answers.push_back(std::move(*answer));
  }
  return answers;
}

/// Refuses a file that is not a sound store of this version; fills an empty one.
Result<void> check_schema(Database& database, const std::string& path) {
  auto answers = ask_all(database, {"PRAGMA application_id", "PRAGMA user_version",
                                    "SELECT count(*) FROM sqlite_schema", "PRAGMA quick_check(1)"});
  if (!answers) return answers.error();
  const std::string& application = (*answers)[0];
  const std::string& version = (*answers)[1];
  if ((*answers)[3] != "ok")
    return error(Errc::kInvalid, path + " is damaged: " + printable((*answers)[3], 200));
  if (application == "0" && version == "0" && (*answers)[2] == "0") return create_schema(database);
  if (application != kApplication) {
    return error(Errc::kInvalid,
                 path + " is the database of another program: move it away, or set another node.state_dir");
  }
  if (version == kSchemaVersion) return {};
  return error(Errc::kInvalid, path + " has schema " + version + " and this version knows " +
                                   std::string{kSchemaVersion} +
                                   ": use the newer version that made it, or a copy from before");
}

template <std::size_t kSize>
bool copy_exactly(Bytes from, std::array<std::byte, kSize>& to) {
  if (from.size() != kSize) return false;
  std::copy(from.begin(), from.end(), to.begin());
  return true;
}

/// The row of kListEdges at which the query stands; nothing when no version of ours could have written it.
std::optional<EdgeRecord> edge_of(const Query& row) {
  EdgeRecord edge{.id = std::string{row.text(0)}, .previous_until = row.number(5), .created = row.number(6)};
  if (!copy_exactly(row.bytes(1), edge.current.salt) || !copy_exactly(row.bytes(2), edge.current.hash))
    return std::nullopt;
  if (!check_edge_id(edge.id)) return std::nullopt;
  if (row.is_null(3) && row.is_null(4)) return edge;
  EdgeSecret& previous = edge.previous.emplace();
  if (!copy_exactly(row.bytes(3), previous.salt) || !copy_exactly(row.bytes(4), previous.hash))
    return std::nullopt;
  return edge;
}

/// Runs a statement that gives no row.
Result<void> finish(Query& query) {
  auto done = query.next();
  if (!done) return done.error();
  return {};
}

}  // namespace

Result<Store> Store::open(const std::string& state_dir) {
  const std::string path = state_dir + "/penstock.db";
  if (auto made = make_private_file(path); !made) return made.error();
  auto database = Database::open(path);
  if (!database) return database.error();
  if (auto set = database->execute("PRAGMA synchronous = FULL"); !set) return set.error();
  if (auto checked = check_schema(*database, path); !checked) return checked.error();
  std::vector<Statement> statements;
  for (const std::string_view sql : kStatements) {
    auto statement = database->prepare(sql);
    if (!statement) return statement.error();
    statements.push_back(std::move(*statement));
  }
  return Store{std::move(*database), std::move(statements)};
}

Result<std::vector<EdgeRecord>> Store::edges() {
  std::vector<EdgeRecord> edges;
  Query query{statements_[kListEdges]};
  for (;;) {
    auto row = query.next();
    if (!row) return row.error();
    if (!*row) return edges;
    auto edge = edge_of(query);
    if (!edge) {
      return error(Errc::kInvalid,
                   "the stored edge \"" + printable(query.text(0), 64) + "\" cannot be read: remove its row");
    }
    edges.push_back(std::move(*edge));
  }
}

Result<void> Store::put_edge(const EdgeRecord& edge) {
  if (auto checked = check_edge_id(edge.id); !checked) return checked.error();
  Query query{statements_[kPutEdge]};
  query.bind(edge.id).bind(edge.current.salt).bind(edge.current.hash);
  if (edge.previous) {
    query.bind(edge.previous->salt).bind(edge.previous->hash);
  } else {
    query.bind_null().bind_null();
  }
  query.bind(edge.previous_until).bind(edge.created);
  return finish(query);
}

Result<void> Store::remove_edge(std::string_view id) {
  return remove(statements_[kRemoveEdge], "edge", id);
}

Result<std::vector<Service>> Store::services() {
  std::vector<Service> services;
  Query query{statements_[kListServices]};
  for (;;) {
    auto row = query.next();
    if (!row) return row.error();
    if (!*row) return services;
    auto service = service_from_json(query.text(1));
    if (!service)
      return std::move(service).error().within("the stored service \"" + printable(query.text(0), 64) + "\"");
    services.push_back(std::move(*service));
  }
}

Result<void> Store::put_service(const Service& service) {
  const std::string json = service_to_json(service);
  Query query{statements_[kPutService]};
  query.bind(service.name).bind(json);
  return finish(query);
}

Result<void> Store::remove_service(std::string_view name) {
  return remove(statements_[kRemoveService], "service", name);
}

Result<void> Store::remove(Statement& statement, std::string_view what, std::string_view key) {
  Query query{statement};
  query.bind(key);
  if (auto done = finish(query); !done) return done;
  if (database_.changes() != 0) return {};
  return error(Errc::kNotFound, "the store has no " + std::string{what} + " \"" + printable(key, 64) + "\"");
}

}  // namespace penstock
