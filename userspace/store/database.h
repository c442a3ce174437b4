// SQLite with owners: a database, its prepared statements, and one run of a statement.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"

struct sqlite3;
struct sqlite3_stmt;

namespace penstock {

class Statement;

/// An open database file. One thread at a time; must outlive its statements.
class Database {
 public:
  /// Opens the file, which must exist; an empty one is an empty database.
  static Result<Database> open(const std::string& path);

  /// Compiles one statement of SQL, which must be right: the text is ours.
  Result<Statement> prepare(std::string_view sql);
  /// Runs statements that give no rows.
  Result<void> execute(const std::string& sql);
  /// Runs one statement and gives the first column of its only row.
  Result<std::string> ask(std::string_view sql);
  /// Rows that the last statement added, changed or removed.
  int changes() const;

 private:
  struct Close {
    void operator()(sqlite3* handle) const;
  };
  std::unique_ptr<sqlite3, Close> handle_;
  std::string path_;
};

/// A compiled statement, to be run any number of times, one Query at a time.
class Statement {
 public:
  struct Finalize {
    void operator()(sqlite3_stmt* handle) const;
  };
  explicit Statement(sqlite3_stmt* handle) : handle_{handle} {}

 private:
  friend class Query;
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

/// One run of a statement, which it gives back at its end. Texts and bytes that are bound must outlive it.
class Query {
 public:
  explicit Query(Statement& statement) : handle_{statement.handle_.get()} {}
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;
  ~Query();

  /// Binds the next parameter, from the first on.
  Query& bind(std::string_view text);
  Query& bind(std::int64_t number);
  Query& bind(Bytes bytes);
  Query& bind_null();

  /// Steps to the next row; false when there is none.
  Result<bool> next();
  /// Columns of the row, from 0. Views last until the next step.
  std::string_view text(int column) const;
  std::int64_t number(int column) const;
  Bytes bytes(int column) const;
  bool is_null(int column) const;

 private:
  sqlite3_stmt* handle_;
  int bound_ = 0;
};

}  // namespace penstock
