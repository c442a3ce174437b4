#include "hub/edge_directory.h"

#include "config/secret_file.h"
#include "proto/token.h"

namespace penstock {

Result<void> EdgeDirectory::load(const Config& config) {
  auto stored = store_.edges();
  if (!stored) return stored.error();
  for (const EdgeRecord& record : *stored)
    edges_[record.id] = {.record = record, .declared = false, .position = {}};
  auto gone = redeclare(config);
  if (!gone) return gone.error();
  return {};
}

Result<std::map<std::string, EdgeDirectory::Entry, std::less<>>> EdgeDirectory::declared(
    const Config& config) {
  std::map<std::string, Entry, std::less<>> out;
  for (const DeclaredEdge& edge : config.hub->edges) {
    auto secret = read_secret(edge.secret_file, kShortestImportedSecret);
    if (!secret) return secret.error();
    const auto position = config.edge_positions.find(edge.id);
    out[edge.id] = {
        .record = {.id = edge.id, .current = make_edge_secret(*secret), .previous = {}, .created = clock_()},
        .declared = true,
        .position = position == config.edge_positions.end() ? Position{} : position->second};
  }
  return out;
}

Result<std::vector<std::string>> EdgeDirectory::redeclare(const Config& config) {
  auto wanted = declared(config);
  if (!wanted) return wanted.error();
  for (const auto& [id, entry] : *wanted) {
    const auto held = edges_.find(id);
    if (held != edges_.end() && !held->second.declared) {
      return error(Errc::kExists, to_string(entry.position) + ": edge '" + id +
                                      "' was also added by an operator: penstockctl edges remove " + id);
    }
  }
  std::vector<std::string> gone;
  for (const auto& [id, entry] : edges_) {
    if (entry.declared && !wanted->contains(id)) gone.push_back(id);
  }
  std::erase_if(edges_, [](const auto& entry) { return entry.second.declared; });
  edges_.merge(*wanted);
  return gone;
}

bool EdgeDirectory::authenticate(std::string_view id, std::string_view secret) {
  const auto found = edges_.find(id);
  if (found == edges_.end()) {
    check_unknown(secret);
    return false;
  }
  Entry& entry = found->second;
  const SecretMatch match = check(entry.record, secret, clock_());
  if (match == SecretMatch::kNone) return false;
  const auto settled = settle(entry.record, match, clock_());
  // When the disk refuses, the old secret counts a little longer: better than an edge that cannot come in.
  if (settled && !entry.declared && store_.put_edge(*settled)) entry.record = *settled;
  return true;
}

Result<std::string> EdgeDirectory::add(const std::string& id, const std::string& imported_secret) {
  if (!is_edge_id(id)) {
    return error(Errc::kInvalid, "an edge id has 1 to 64 printable characters without space");
  }
  if (edges_.contains(id)) return error(Errc::kExists, "there is an edge '" + id + "' already");
  if (!imported_secret.empty()) {
    auto good = check_imported_secret(imported_secret);
    if (!good) return good.error();
  }
  std::string secret = imported_secret.empty() ? generate_secret() : imported_secret;
  const EdgeRecord record{.id = id, .current = make_edge_secret(secret), .previous = {}, .created = clock_()};
  auto kept = store_.put_edge(record);
  if (!kept) return kept.error();
  edges_[id] = {.record = record, .declared = false, .position = {}};
  return secret;
}

Result<EdgeDirectory::Entry*> EdgeDirectory::changeable(const std::string& id) {
  const auto found = edges_.find(id);
  if (found == edges_.end()) return error(Errc::kNotFound, "there is no edge '" + id + "'");
  const Position& at = found->second.position;
  if (found->second.declared) {
    return error(Errc::kRefused,
                 "edge '" + id + "' is declared in " + to_string(at) + ": change it there and reload");
  }
  return &found->second;
}

Result<std::string> EdgeDirectory::rotate(const std::string& id) {
  auto entry = changeable(id);
  if (!entry) return entry.error();
  std::string secret = generate_secret();
  const EdgeRecord rotated = penstock::rotate((*entry)->record, secret, clock_());
  auto kept = store_.put_edge(rotated);
  if (!kept) return kept.error();
  (*entry)->record = rotated;
  return secret;
}

Result<void> EdgeDirectory::remove(const std::string& id) {
  auto entry = changeable(id);
  if (!entry) return entry.error();
  auto gone = store_.remove_edge(id);
  if (!gone) return gone.error();
  edges_.erase(id);
  return {};
}

std::vector<EdgeDirectory::Entry> EdgeDirectory::list() const {
  std::vector<Entry> out;
  out.reserve(edges_.size());
  for (const auto& [id, entry] : edges_) {
    out.push_back(entry);
    out.back().rotating = entry.record.previous.has_value() && entry.record.previous_until > clock_();
  }
  return out;
}

}  // namespace penstock
