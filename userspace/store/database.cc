#include "store/database.h"

#include <sqlite3.h>

#include <cstdlib>

namespace penstock {
namespace {

constexpr int kBusyMilliseconds = 250;

/// What SQLite reports last, in our terms.
Error last_error(sqlite3* handle, const std::string& doing) {
  const int code = sqlite3_errcode(handle);
  const bool broken = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
  return error(broken ? Errc::kInvalid : Errc::kUnavailable, doing + ": " + sqlite3_errmsg(handle));
}

std::string path_of(sqlite3* handle) {
  return sqlite3_db_filename(handle, "main");
}

/// Binding fails only for a parameter that the statement has not, or for want of memory.
void must(int result) {
  if (result != SQLITE_OK) std::abort();
}

}  // namespace

void Database::Close::operator()(sqlite3* handle) const {
  sqlite3_close_v2(handle);
}
void Statement::Finalize::operator()(sqlite3_stmt* handle) const {
  sqlite3_finalize(handle);
}

Result<Database> Database::open(const std::string& path) {
  Database database;
  sqlite3* handle = nullptr;
  const int result =
      sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  database.handle_.reset(handle);
  database.path_ = path;
  if (handle == nullptr) std::abort();  // only for want of memory
  if (result != SQLITE_OK) return last_error(handle, "cannot open " + path);
  sqlite3_busy_timeout(handle, kBusyMilliseconds);
  return database;
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int size = static_cast<int>(sql.size());
  if (sqlite3_prepare_v3(handle_.get(), sql.data(), size, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) !=
      SQLITE_OK) {
    return last_error(handle_.get(), "cannot use " + path_);
  }
  return Statement{statement};
}

Result<void> Database::execute(const std::string& sql) {
  if (sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return last_error(handle_.get(), "cannot use " + path_);
}

Result<std::string> Database::ask(std::string_view sql) {
  auto statement = prepare(sql);
  if (!statement) return statement.error();
  Query query{*statement};
  auto row = query.next();
  if (!row) return row.error();
  return std::string{query.text(0)};
}

int Database::changes() const {
  return sqlite3_changes(handle_.get());
}

Query::~Query() {
  sqlite3_reset(handle_);
  sqlite3_clear_bindings(handle_);
}

Query& Query::bind(std::string_view text) {
  must(sqlite3_bind_text64(handle_, ++bound_, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8));
  return *this;
}

Query& Query::bind(std::int64_t number) {
  must(sqlite3_bind_int64(handle_, ++bound_, number));
  return *this;
}

Query& Query::bind(Bytes bytes) {
  must(sqlite3_bind_blob64(handle_, ++bound_, bytes.data(), bytes.size(), SQLITE_STATIC));
  return *this;
}

Query& Query::bind_null() {
  must(sqlite3_bind_null(handle_, ++bound_));
  return *this;
}

Result<bool> Query::next() {
  const int result = sqlite3_step(handle_);
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  sqlite3* const database = sqlite3_db_handle(handle_);
  return last_error(database, "cannot use " + path_of(database));
}

std::string_view Query::text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
  if (text == nullptr) return {};
  return {text, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
}

std::int64_t Query::number(int column) const {
  return sqlite3_column_int64(handle_, column);
}

Bytes Query::bytes(int column) const {
  const auto* bytes = static_cast<const std::byte*>(sqlite3_column_blob(handle_, column));
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
}

bool Query::is_null(int column) const {
  return sqlite3_column_type(handle_, column) == SQLITE_NULL;
}

}  // namespace penstock
