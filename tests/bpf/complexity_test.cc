// How hard the programs are to verify and how large they are: kept in complexity.txt, so that growth is seen.
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <sstream>

#include "bpf/bpf_programs.h"

namespace penstock {
namespace {

struct Complexity {
  std::uint64_t verified = 0;  // instructions that the verifier walked; it gives up at a million
  std::uint64_t jited = 0;     // bytes
  std::uint64_t stack = 0;     // bytes, of 512
};

/// "stack depth 304+152", one number a function.
std::uint64_t stack_depth(const std::string& statistics) {
  const auto at = statistics.find("stack depth ");
  if (at == std::string::npos) return 0;
  std::istringstream numbers{statistics.substr(at + 12, statistics.find('\n', at) - at - 12)};
  std::uint64_t total = 0;
  for (std::string one; std::getline(numbers, one, '+');) total += std::stoull(one);
  return total;
}

Complexity measured(const std::string& program) {
  const BpfPrograms& programs = BpfPrograms::loaded();
  bpf_prog_info info{};
  std::uint32_t size = sizeof(info);
  EXPECT_EQ(bpf_obj_get_info_by_fd(programs.program(program), &info, &size), 0);
  return {info.verified_insns, info.jited_prog_len, stack_depth(programs.verifier_statistics(program))};
}

/// The ceilings of complexity.txt, by program. '#' begins a remark.
std::map<std::string, Complexity> recorded() {
  std::map<std::string, Complexity> out;
  std::ifstream file{PENSTOCK_COMPLEXITY_FILE};
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields{line};
    std::string name;
    Complexity ceiling;
    if (line.starts_with('#') || !(fields >> name >> ceiling.verified >> ceiling.jited >> ceiling.stack))
      continue;
    out[name] = ceiling;
  }
  return out;
}

constexpr std::uint64_t kMarginPercent = 50;  // what another compiler or kernel may add

void expect_within(const char* what, std::uint64_t now, std::uint64_t ceiling) {
  EXPECT_LE(now * 100, ceiling * (100 + kMarginPercent)) << what << ": complexity.txt says " << ceiling;
}

TEST(ComplexityTest, StaysWithinWhatIsRecorded) {
  const auto table = recorded();
  for (const std::string& name : BpfPrograms::loaded().names()) {
    const Complexity now = measured(name);
    std::printf("%-16s %8lu %6lu %4lu\n", name.c_str(), now.verified, now.jited, now.stack);
    ASSERT_TRUE(table.contains(name)) << name << " is not in complexity.txt";
    SCOPED_TRACE(name);
    EXPECT_GT(now.verified, 0U);
    EXPECT_GT(now.stack, 0U);
    expect_within("verified instructions", now.verified, table.at(name).verified);
    expect_within("JITed bytes", now.jited, table.at(name).jited);
    EXPECT_LE(now.stack, 512U);
    expect_within("stack", now.stack, table.at(name).stack);
  }
}

}  // namespace
}  // namespace penstock
