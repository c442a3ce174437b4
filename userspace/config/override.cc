#include "config/override.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "config/sections.h"

namespace penstock {
namespace {

constexpr std::string_view kVariablePrefix = "PENSTOCK_";
constexpr std::string_view kTokenFile = "PENSTOCK_TOKEN_FILE";
constexpr std::string_view kTokenKey = "edge.token_file";
// Variables of the tools, which the daemon may inherit.
constexpr std::array<std::string_view, 2> kForTools{"PENSTOCK_SOCKET", "PENSTOCK_CONFIG"};

/// "limits.flows" as PENSTOCK_LIMITS__FLOWS.
std::string variable_of(std::string_view path) {
  std::string name{kVariablePrefix};
  for (const char c : path) {
    if (c == '.') {
      name += "__";
    } else {
      name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
  }
  return name;
}

/// The table at the dotted path, made where it is missing; null where something else stands.
Value::Table* open_table(Value& document, std::string_view path, const Where& where) {
  Value::Table* at = document.table();
  for (std::size_t dot = 0; at != nullptr && dot != std::string_view::npos;) {
    dot = path.find('.');
    const std::string_view part = path.substr(0, dot);
    Value* next = find(*at, part);
    if (next == nullptr) next = &at->emplace_back(Member{std::string{part}, {Value::Table{}, where}}).value;
    at = next->table();
    path.remove_prefix(dot == std::string_view::npos ? path.size() : dot + 1);
  }
  return at;
}

/// Sets the key in the document. Where a section is no table, the document's own reading says so.
void put(Value& document, std::string_view path, const std::string& text, const Where& where) {
  const auto dot = path.rfind('.');
  const std::string_view key = path.substr(dot + 1);
  Value::Table* table = open_table(document, path.substr(0, dot), where);
  if (table == nullptr) return;
  Value value{Value::Text{text}, where};
  if (Value* there = find(*table, key)) {
    *there = std::move(value);
  } else {
    table->push_back({std::string{key}, std::move(value)});
  }
}

/// Sets the key if the environment and flags may; `known` is null when there is no such key.
void put_if_permitted(const KeyInfo* known, const std::string& text, const Where& where,
                      std::string_view hint, Value& document, Problems& problems) {
  if (known == nullptr) {
    problems.add(where, "", std::string{"is no setting: "}.append(hint));
  } else if (known->repeated || !known->scalar) {
    problems.add(where, known->path, "is a list or belongs to one: write it in the file");
  } else {
    put(document, known->path, text, where);
  }
}

template <class Matches>
const KeyInfo* find_key(const std::vector<KeyInfo>& keys, Matches matches) {
  const auto at = std::find_if(keys.begin(), keys.end(), matches);
  return at == keys.end() ? nullptr : &*at;
}

}  // namespace

void apply_environment(const Environment& environment, Value& document, Problems& problems) {
  const std::vector<KeyInfo> keys = known_keys();
  for (const auto& [name, text] : environment) {
    if (!name.starts_with(kVariablePrefix)) continue;
    if (std::find(kForTools.begin(), kForTools.end(), name) != kForTools.end()) continue;
    const Where where{0, "environment " + printable(name, 100)};
    if (name == kTokenFile && environment.contains(variable_of(kTokenKey))) {
      problems.add(where, kTokenKey, "is set by " + variable_of(kTokenKey) + " too: set one of them");
      continue;
    }
    const std::string variable = name == kTokenFile ? variable_of(kTokenKey) : name;
    const KeyInfo* known =
        find_key(keys, [&](const KeyInfo& key) { return variable_of(key.path) == variable; });
    put_if_permitted(known, text, where,
                     "write PENSTOCK_SECTION__KEY, such as PENSTOCK_LIMITS__FLOWS, or unset it", document,
                     problems);
  }
}

void apply_overrides(const Overrides& overrides, Value& document, Problems& problems) {
  const std::vector<KeyInfo> keys = known_keys();
  for (const auto& [path, text] : overrides) {
    const Where where{0, "--set " + printable(path, 100)};
    const KeyInfo* known =
        find_key(keys, [&wanted = path](const KeyInfo& key) { return key.path == wanted; });
    put_if_permitted(known, text, where, "write section.key=value, such as limits.flows=1000", document,
                     problems);
  }
}

}  // namespace penstock
