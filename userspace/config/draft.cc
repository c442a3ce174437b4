#include "config/draft.h"

#include <algorithm>

#include "config/sections.h"

namespace penstock {
namespace {

constexpr std::size_t kMostRepeated = 4096;

/// The parts of sections' names that stand directly below `parent`: {"ports"} for "edge".
std::vector<std::string_view> children_of(std::string_view parent) {
  std::vector<std::string_view> names;
  for (const Section& section : sections()) {
    std::string_view name = section.name;
    if (!parent.empty()) {
      if (!name.starts_with(parent) || name.substr(parent.size()).substr(0, 1) != ".") continue;
      name.remove_prefix(parent.size() + 1);
    }
    if (name.find('.') == std::string_view::npos) names.push_back(name);
  }
  return names;
}

/// The value at a dotted path; null when it, or a table above it, is not there.
const Value* locate(const Value& root, std::string_view path) {
  const Value* at = &root;
  for (std::size_t dot = 0; at != nullptr && dot != std::string_view::npos;) {
    dot = path.find('.');
    at = at->table() == nullptr ? nullptr : find(*at->table(), path.substr(0, dot));
    path.remove_prefix(dot == std::string_view::npos ? path.size() : dot + 1);
  }
  return at;
}

bool is_list_of_tables(const Value& value) {
  return value.list() != nullptr && value.list()->size() <= kMostRepeated &&
         std::all_of(value.list()->begin(), value.list()->end(),
                     [](const Value& one) { return one.table() != nullptr; });
}

void read_table(const Section& section, const Value& table, const std::string& place, Draft& draft) {
  draft.places.insert_or_assign(place, table.where);
  section.open(draft.config);
  read_fields(table, section.fields, children_of(section.name),
              {std::string{section.name} + ".", place + "."}, draft.config, draft.places, draft.problems);
}

void read_repeated(const Section& section, const Value& value, Draft& draft) {
  const std::string name{section.name};
  if (!is_list_of_tables(value)) {
    draft.problems.add(value.where, name,
                       "is not a list of at most " + std::to_string(kMostRepeated) +
                           " tables: begin each with [[" + name + "]]");
    return;
  }
  for (std::size_t i = 0; i < value.list()->size(); ++i) {
    read_table(section, (*value.list())[i], name + "[" + std::to_string(i) + "]", draft);
  }
}

void read_section(const Section& section, const Value& value, Draft& draft) {
  const std::string name{section.name};
  if (section.repeated) {
    read_repeated(section, value, draft);
  } else if (value.table() != nullptr) {
    read_table(section, value, name, draft);
  } else {
    draft.problems.add(value.where, name, "is not a section: begin it with [" + name + "], once");
  }
}

}  // namespace

Where Draft::where(std::string_view key) const {
  for (;;) {
    if (const auto at = places.find(key); at != places.end()) return at->second;
    const auto dot = key.rfind('.');
    if (dot == std::string_view::npos) return {};
    key = key.substr(0, dot);
  }
}

bool Draft::sound(const std::vector<std::string_view>& keys) const {
  return std::none_of(keys.begin(), keys.end(), [&](std::string_view key) { return problems.concern(key); });
}

void read_document(const Value& root, Draft& draft) {
  const std::vector<std::string_view> names = children_of("");
  for (const auto& [key, value] : *root.table()) {
    if (std::find(names.begin(), names.end(), key) == names.end()) {
      draft.problems.add(value.where, printable(key, 64), unknown_key(names));
    }
  }
  for (const Section& section : sections()) {
    if (const Value* value = locate(root, section.name)) read_section(section, *value, draft);
  }
}

}  // namespace penstock
