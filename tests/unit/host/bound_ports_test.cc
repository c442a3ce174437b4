#include "host/bound_ports.h"

#include <gtest/gtest.h>

namespace penstock {
namespace {

TEST(BoundPortsTest, ReadsWhatTheKernelPrints) {
  const PortSet ports = read_bound_ports(
      "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
      "  384: 00000000:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 a 0\n"
      " 1019: 00000000000000000000000001000000:2710 00000000000000000000000000000000:0000 07\n");

  EXPECT_EQ(ports.to_string(), "53,10000");
}

TEST(BoundPortsTest, PassesOverWhatIsNoLine) {
  for (const char* const table : {"", "\n\n", "a: b", "1: 0:", "1: 0:12", "1: 00:zzzz 0", "1: 00:0000 0"})
    EXPECT_TRUE(read_bound_ports(table).empty()) << table;
}

}  // namespace
}  // namespace penstock
