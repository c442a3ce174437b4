#include "steering/session_maps.h"

#include <gtest/gtest.h>

#include <optional>

#include "steering/abi_values.h"
#include "unit/steering/bpf_maps.h"

namespace penstock {
namespace {

constexpr std::uint32_t kGeneration = 1U << 20;

/// Real maps of four slots, with room for three paths.
class SessionMapsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = test::why_no_bpf_maps(); !why.empty()) GTEST_SKIP() << why;
    maps_.emplace(SessionMaps::Paths{test::raw_bpf_map(BPF_MAP_TYPE_HASH, sizeof(pst_path), 8, 3)},
                  SessionMaps::Sessions{test::raw_bpf_array(sizeof(pst_session), 4)});
  }
  /// A session whose backend knows the client by its port.
  static pst_session entry(std::uint32_t slot, std::uint16_t client_port) {
    pst_session session{.id = kGeneration + slot, .flags = PST_SESSION_TRANSPARENT};
    session.client = session.source = to_abi(*IpAddress::parse("203.0.113.9"));
    session.backend = to_abi(*IpAddress::parse("10.0.0.5"));
    session.client_port = session.source_port = htons(client_port);
    session.backend_port = htons(53);
    return session;
  }
  bool claim(std::uint32_t slot, std::uint16_t client_port) {
    const auto claimed = maps_->claim(slot, entry(slot, client_port));
    EXPECT_TRUE(claimed) << claimed.error().what;
    return claimed && *claimed;
  }
  void withdraw(std::uint32_t slot, std::uint16_t client_port) {
    const pst_session of = entry(slot, client_port);
    maps_->withdraw(slot, {.source = of.backend,
                           .destination = of.source,
                           .source_port = of.backend_port,
                           .destination_port = of.source_port});
  }

  std::optional<SessionMaps> maps_;
};

TEST_F(SessionMapsTest, GivesAClientsAddressToOneSessionTowardsABackend) {
  EXPECT_TRUE(claim(0, 4000));
  EXPECT_FALSE(claim(1, 4000));
  EXPECT_EQ(maps_->at(1).id, 0U) << "nothing was done";
  EXPECT_EQ(maps_->at(0).id, kGeneration);
  EXPECT_TRUE(claim(1, 4001)) << "another port of the client";

  withdraw(0, 4000);
  EXPECT_TRUE(claim(2, 4000)) << "free again";
}

TEST_F(SessionMapsTest, TakesAPathThatAnEndedSessionLeft) {
  ASSERT_TRUE(claim(0, 4000));
  ASSERT_TRUE(maps_->prepare(0, {.id = 2 * kGeneration}));  // as if the path could not be taken out
  EXPECT_TRUE(claim(1, 4000));
  EXPECT_FALSE(claim(2, 4000)) << "and it counts";
}

TEST_F(SessionMapsTest, RefusesWhatFindsNoRoom) {
  for (std::uint16_t slot = 0; slot < 3; ++slot)
    ASSERT_TRUE(claim(slot, static_cast<std::uint16_t>(4000 + slot)));
  EXPECT_FALSE(maps_->claim(3, entry(3, 4003)));
  EXPECT_EQ(maps_->at(3).id, 0U);
}

}  // namespace
}  // namespace penstock
