#include "config/problems.h"

#include <algorithm>

namespace penstock {
namespace {

constexpr std::size_t kMostShown = 20;

/// Lines of the file first and in order, then variables and flags in the order found.
bool stands_before(const Where& a, const Where& b) {
  if (a.source.empty() != b.source.empty()) return a.source.empty();
  return a.line < b.line;
}

}  // namespace

void Problems::add(const Where& where, std::string_view key, std::string_view what) {
  found_.push_back({where, std::string{key}, std::string{what}});
}

bool Problems::concern(std::string_view key) const {
  return std::any_of(found_.begin(), found_.end(),
                     [&](const Problem& problem) { return problem.key == key; });
}

std::string Problems::describe(const Problem& problem) const {
  std::string text = problem.where.source.empty() ? path_ : problem.where.source;
  if (problem.where.line != 0) text += ":" + std::to_string(problem.where.line);
  if (!text.empty()) text += ": ";
  if (!problem.key.empty()) text += problem.key + ": ";
  return text + problem.what;
}

Error Problems::to_error() const {
  std::vector<Problem> ordered = found_;
  std::stable_sort(ordered.begin(), ordered.end(),
                   [](const Problem& a, const Problem& b) { return stands_before(a.where, b.where); });
  std::string text;
  const std::size_t shown = std::min(ordered.size(), kMostShown);
  for (std::size_t i = 0; i < shown; ++i) text += (i == 0 ? "" : "\n") + describe(ordered[i]);
  if (shown < ordered.size()) text += "\nand " + std::to_string(ordered.size() - shown) + " more";
  return error(Errc::kInvalid, std::move(text));
}

}  // namespace penstock
