#include "steering/session.h"

namespace penstock {

std::string_view to_string(SessionState state) {
  switch (state) {
    case SessionState::kUnreplied:
      return "unreplied";
    case SessionState::kReplied:
      return "replied";
    case SessionState::kAssured:
      return "assured";
  }
  return "unknown";
}

}  // namespace penstock
