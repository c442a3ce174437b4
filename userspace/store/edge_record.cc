#include "store/edge_record.h"

namespace penstock {
namespace {

bool is_rotating(const EdgeRecord& record, std::int64_t now) {
  return record.previous && now < record.previous_until;
}

/// A record that no secret matches: the hashes of one made for this process and forgotten.
const EdgeRecord& nobody() {
  static const EdgeRecord kNobody{.current = make_edge_secret(generate_secret())};
  return kNobody;
}

}  // namespace

SecretMatch check(const EdgeRecord& record, std::string_view secret, std::int64_t now) {
  const bool rotating = is_rotating(record, now);
  const bool current = matches(record.current, secret);
  const bool previous = matches(rotating ? *record.previous : nobody().current, secret);
  if (current) return SecretMatch::kCurrent;
  return previous && rotating ? SecretMatch::kPrevious : SecretMatch::kNone;
}

SecretMatch check_unknown(std::string_view secret) {
  check(nobody(), secret, 0);
  return SecretMatch::kNone;
}

EdgeRecord rotate(EdgeRecord record, std::string_view new_secret, std::int64_t now) {
  if (!is_rotating(record, now)) {
    record.previous = record.current;
    record.previous_until = now + kRotationSeconds;
  }
  record.current = make_edge_secret(new_secret);
  return record;
}

std::optional<EdgeRecord> settle(const EdgeRecord& record, SecretMatch match, std::int64_t now) {
  const bool wanted = match != SecretMatch::kCurrent && is_rotating(record, now);
  if (!record.previous || wanted) return std::nullopt;
  EdgeRecord settled = record;
  settled.previous.reset();
  settled.previous_until = 0;
  return settled;
}

}  // namespace penstock
