// What the doctor found, one thing at a time.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace penstock::doctor {

enum class Verdict { kOk, kWarning, kBad };
std::string_view to_string(Verdict verdict);  // "ok", "warning", "bad"

struct Finding {
  std::string name;  // "rp_filter eth0"
  Verdict verdict = Verdict::kOk;
  std::string what;    // what was found, and what that means
  std::string remedy;  // what to change; empty: nothing
  bool operator==(const Finding&) const = default;
};

struct Report {
  std::vector<Finding> findings;
  bool by_kernel = false;
  std::string will;  // "steer by kernel programs (native on eth0)", "steer by sockets, because ..."

  /// The worst of all findings.
  Verdict verdict() const;
};

}  // namespace penstock::doctor
