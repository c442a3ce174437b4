#include "penstockctl/table.h"

#include <algorithm>
#include <cassert>

namespace penstock::ctl {
namespace {

constexpr std::size_t kGap = 2;

void end_line(std::string& out) {
  out.erase(out.find_last_not_of(' ') + 1);
  out.push_back('\n');
}

}  // namespace

void Table::add(std::vector<std::string> cells) {
  assert(cells.size() == columns_.size());
  for (auto& cell : cells) {
    if (cell.empty()) cell.push_back('-');
  }
  rows_.push_back(std::move(cells));
}

std::string Table::text() const {
  std::vector<std::size_t> widths;
  std::vector<std::string> head;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t width = columns_[i].head.size();
    for (const auto& row : rows_) width = std::max(width, row[i].size());
    widths.push_back(width);
    head.emplace_back(columns_[i].head);
  }
  std::string out;
  const auto write = [&](const std::vector<std::string>& row) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - row[i].size(), ' ');
      line.append(i == 0 ? 0 : kGap, ' ');
      line.append(columns_[i].right ? padding + row[i] : row[i] + padding);
    }
    end_line(line);
    out += line;
  };
  write(head);
  for (const auto& row : rows_) write(row);
  return out;
}

void Sheet::add(std::string name, std::string value) {
  lines_.emplace_back(std::move(name), std::move(value));
}

std::string Sheet::text() const {
  std::size_t width = 0;
  for (const auto& [name, value] : lines_) width = std::max(width, name.size());
  std::string out;
  std::string_view last;
  for (const auto& [name, value] : lines_) {
    const std::string_view shown = name == last ? std::string_view{} : std::string_view{name};
    last = name;
    std::string line{shown};
    line.append(width + kGap - shown.size(), ' ').append(value);
    end_line(line);
    out += line;
  }
  return out;
}

}  // namespace penstock::ctl
