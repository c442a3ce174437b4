// A configuration in the making: its values, where each was written, and what is wrong so far.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/problems.h"
#include "config/value.h"

namespace penstock {

struct Draft {
  Config config;
  Places places;
  Problems problems;

  /// Where the key, else its section, was written; else nowhere in particular.
  Where where(std::string_view key) const;
  /// Adds what is wrong with a key that was read well by itself.
  void refuse(std::string_view key, std::string_view what) { problems.add(where(key), key, what); }
  /// Whether all of the keys were read well, so that they can be compared with each other.
  bool sound(const std::vector<std::string_view>& keys) const;
};

/// Fills the draft from the document's sections, key by key.
void read_document(const Value& root, Draft& draft);

/// Refuses what no single key shows: keys that contradict each other, roles without what they need, overlaps.
void validate(Draft& draft);

/// Refuses named files that cannot be read, and files with secrets that others may read.
void check_named_files(Draft& draft);

}  // namespace penstock
