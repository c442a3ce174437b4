// Text for people: columns that line up, and no space at the end of a line.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace penstock::ctl {

/// A table with a head. Cells are printable already; an empty one shows as "-".
class Table {
 public:
  struct Column {
    std::string_view head;
    bool right = false;  // for numbers
  };

  explicit Table(std::vector<Column> columns) : columns_{std::move(columns)} {}
  /// One cell per column.
  void add(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }
  std::string text() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// Lines of a name and what there is to say about it; a name that repeats is shown once.
class Sheet {
 public:
  void add(std::string name, std::string value);
  std::string text() const;

 private:
  std::vector<std::pair<std::string, std::string>> lines_;
};

}  // namespace penstock::ctl
