// What names a session within a node, and on the wire.
#pragma once

#include <cstdint>
#include <functional>

namespace penstock {

/// 2 zero bits, 10 bits of generation, 20 bits of slot. A slot's generation grows with each session that gets
/// it, from 1 to 1023 and then 1 again, so 0 names no session.
class SessionId {
 public:
  static constexpr std::uint32_t kSlots = 1U << 20;
  static constexpr std::uint32_t kGenerations = 1U << 10;

  SessionId() = default;
  constexpr SessionId(std::uint32_t slot, std::uint32_t generation) : value_{generation << 20 | slot} {}
  /// Any number; one that no node can have made names no session.
  static constexpr SessionId from(std::uint32_t value) {
    SessionId id;
    id.value_ = value;
    return id;
  }

  constexpr std::uint32_t value() const { return value_; }
  constexpr std::uint32_t slot() const { return value_ & (kSlots - 1); }
  constexpr std::uint32_t generation() const { return value_ >> 20; }
  auto operator<=>(const SessionId&) const = default;

 private:
  std::uint32_t value_ = 0;
};

}  // namespace penstock
