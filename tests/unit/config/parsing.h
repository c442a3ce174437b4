// Parsing for tests: what must be right, and what must not.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "config/config.h"

namespace penstock {

/// The configuration of a text that must be right; its file is called p.toml.
inline Config parsed(std::string_view text, const Environment& environment = {},
                     const Overrides& overrides = {}) {
  auto config = parse_config(text, "p.toml", environment, overrides);
  EXPECT_TRUE(config) << config.error().what;
  return config ? std::move(*config) : Config{};
}

/// The errors of a text that must be wrong.
inline std::string refusal(std::string_view text, const Environment& environment = {},
                           const Overrides& overrides = {}) {
  const auto config = parse_config(text, "p.toml", environment, overrides);
  EXPECT_FALSE(config) << "accepted: " << text;
  return config ? "" : config.error().what;
}

}  // namespace penstock
