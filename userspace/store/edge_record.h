// What the hub knows of an edge that an operator added, and how its secret is rotated.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "store/edge_secret.h"

namespace penstock {

/// An edge and its secrets. All of this file is pure; times are seconds since 1970, of the wall clock, since
/// they outlive the process.
struct EdgeRecord {
  std::string id{};  // check_edge_id()
  EdgeSecret current{};
  std::optional<EdgeSecret> previous{};  // accepted too while a rotation is under way
  std::int64_t previous_until = 0;       // when it is accepted no longer
  std::int64_t created = 0;
  bool operator==(const EdgeRecord&) const = default;
};

/// How long the old secret is accepted after a rotation unless the new one is used before, in seconds.
inline constexpr std::int64_t kRotationSeconds = 24 * 60 * 60;

enum class SecretMatch { kNone, kCurrent, kPrevious };

/// Which of the record's secrets `secret` is. Hashes and compares twice whether or not there is a previous
/// one that still counts, so the time tells a stranger nothing about the edge.
SecretMatch check(const EdgeRecord& record, std::string_view secret, std::int64_t now);

/// For an id that is not known: always kNone, after the time that check() takes.
SecretMatch check_unknown(std::string_view secret);

/// The record with `new_secret` as the current one; the old one is accepted for kRotationSeconds more. If
/// another rotation is still under way, then its new secret was never used: it is dropped, and the one in use
/// keeps its time.
EdgeRecord rotate(EdgeRecord record, std::string_view new_secret, std::int64_t now);

/// The record as it is to be stored once `match` was seen: without the previous secret if the current one was
/// used or the time is up. Nothing when the record needs no change.
std::optional<EdgeRecord> settle(const EdgeRecord& record, SecretMatch match, std::int64_t now);

}  // namespace penstock
