#include "config/config.h"

#include <unistd.h>

#include <array>

#include "base/file_descriptor.h"
#include "base/text.h"
#include "config/draft.h"
#include "config/override.h"
#include "config/sections.h"
#include "config/toml_document.h"

namespace penstock {
namespace {

constexpr std::size_t kLargestConfig = 1 << 20;

std::string host_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0 || !is_name(name.data())) return "penstock";
  return name.data();
}

/// Defaults that depend on the machine or on other keys.
void complete(Config& config) {
  if (config.node.name.empty()) config.node.name = host_name();
  if (config.edge && config.edge->hub_name.empty() && !config.edge->ca_file.empty() && config.edge->hub) {
    config.edge->hub_name = config.edge->hub->host;
  }
}

void note_positions(const std::string& path, Draft& draft) {
  Config& config = draft.config;
  const auto position = [&](const std::string& list, std::size_t index) {
    return Position{path, draft.where(list + "[" + std::to_string(index) + "]").line};
  };
  for (std::size_t i = 0; i < config.services.size(); ++i) {
    config.service_positions.emplace(config.services[i].name, position("service", i));
  }
  for (std::size_t i = 0; config.hub && i < config.hub->edges.size(); ++i) {
    config.edge_positions.emplace(config.hub->edges[i].id, position("hub.edges", i));
  }
}

Result<Draft> make_draft(std::string_view text, const std::string& path, const Environment& environment,
                         const Overrides& overrides) {
  if (text.size() > kLargestConfig) {
    return error(Errc::kLimit, path + " is larger than " + std::to_string(kLargestConfig) + " bytes");
  }
  auto document = parse_toml(text, path);
  if (!document) return document.error();
  Draft draft{{}, {}, Problems{path}};
  apply_environment(environment, *document, draft.problems);
  apply_overrides(overrides, *document, draft.problems);
  read_document(*document, draft);
  validate(draft);
  complete(draft.config);
  note_positions(path, draft);
  return draft;
}

Result<Config> finish(Draft draft) {
  if (!draft.problems.empty()) return draft.problems.to_error();
  return std::move(draft.config);
}

}  // namespace

Result<Config> load_config(const std::string& path, const Environment& environment,
                           const Overrides& overrides) {
  auto text = read_file(path, kLargestConfig);
  if (!text) return text.error();
  auto draft = make_draft(*text, path, environment, overrides);
  if (!draft) return draft.error();
  check_named_files(*draft);
  return finish(std::move(*draft));
}

Result<Config> parse_config(std::string_view text, const std::string& path, const Environment& environment,
                            const Overrides& overrides) {
  auto draft = make_draft(text, path, environment, overrides);
  if (!draft) return draft.error();
  return finish(std::move(*draft));
}

std::vector<std::string> restart_only_changes(const Config& running, const Config& wanted) {
  std::vector<std::string> changes;
  for (const Section& section : sections()) {
    const std::string name{section.name};
    if (section.present(running) != section.present(wanted)) {
      if (name.find('.') == std::string::npos) changes.push_back(name);
      continue;
    }
    if (!section.present(running)) continue;
    for (const Field<Config>& field : section.fields) {
      if (!field.reloadable && !field.same(running, wanted))
        changes.push_back(name + "." + std::string{field.key});
    }
  }
  return changes;
}

std::vector<std::string> take_reloadable(Config& running, const Config& wanted) {
  std::vector<std::string> taken;
  for (const Section& section : sections()) {
    if (!section.present(running) || !section.present(wanted)) continue;
    for (const Field<Config>& field : section.fields) {
      if (!field.reloadable || field.same(running, wanted)) continue;
      field.copy(wanted, running);
      taken.push_back(std::string{section.name}.append(".").append(field.key));
    }
  }
  return taken;
}

std::string to_string(const Position& position) {
  if (position.file.empty()) return {};
  return std::string{position.file}.append(":").append(std::to_string(position.line));
}

}  // namespace penstock
