// The files that a configuration names: can they be read, and do secrets stay secret.
#include "base/file_descriptor.h"
#include "config/draft.h"
#include "config/secret_file.h"

namespace penstock {
namespace {

constexpr std::size_t kLargestFile = 1 << 20;

/// Reports the file's error at the place of the key; a key that is empty names no file.
template <class Read>
void check_file(Draft& draft, const std::string& place, std::string_view key, const std::string& path,
                Read read) {
  if (path.empty()) return;
  if (const auto content = read(path); !content)
    draft.problems.add(draft.where(place), key, content.error().what);
}

Result<std::string> read_public(const std::string& path) {
  return read_file(path, kLargestFile);
}
Result<std::string> read_private(const std::string& path) {
  return read_secret_file(path, kLargestFile);
}
Result<std::string> read_any_secret(const std::string& path) {
  return read_secret(path, 1);
}
Result<std::string> read_imported_secret(const std::string& path) {
  return read_secret(path, kShortestImportedSecret);
}

void check_hub_files(const HubConfig& hub, Draft& draft) {
  check_file(draft, "hub.certificate", "hub.certificate", hub.certificate, read_public);
  check_file(draft, "hub.key", "hub.key", hub.key, read_private);
  for (std::size_t i = 0; i < hub.edges.size(); ++i) {
    const std::string place = "hub.edges[" + std::to_string(i) + "].secret_file";
    check_file(draft, place, "hub.edges.secret_file", hub.edges[i].secret_file, read_imported_secret);
  }
}

void check_edge_files(const EdgeConfig& edge, Draft& draft) {
  check_file(draft, "edge.token_file", "edge.token_file", edge.token_file, read_private);
  check_file(draft, "edge.secret_file", "edge.secret_file", edge.secret_file, read_any_secret);
  check_file(draft, "edge.ca_file", "edge.ca_file", edge.ca_file, read_public);
}

}  // namespace

void check_named_files(Draft& draft) {
  if (draft.config.hub) check_hub_files(*draft.config.hub, draft);
  if (draft.config.edge) check_edge_files(*draft.config.edge, draft);
}

}  // namespace penstock
