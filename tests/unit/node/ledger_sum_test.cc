#include "node/ledger_sum.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "node/ledger_metrics.h"

namespace penstock {
namespace {

using testing::HasSubstr;
using testing::Not;

/// What two threads of an edge counted: both know "dns", one of them datagrams of no service and flows too.
std::vector<LedgerRow> two_threads() {
  Ledger first;
  ServiceLedger& dns = first.of("dns");
  dns.to_backend.receive(100);
  dns.to_backend.send(100);
  dns.to_backend.receive(50);
  dns.to_backend.drop(PST_R_QUEUE_FULL, 50);
  dns.to_client.receive(7);
  dns.to_client.hold(7);
  Ledger second;
  second.of("dns").to_backend.receive(30);
  second.of("dns").to_backend.drop(PST_R_QUEUE_FULL, 30);
  second.of("dns").to_backend.lose(PST_R_OVERRUN, 4);
  second.of("dns").open_flow();
  second.of("").to_client.receive(9);
  second.of("").to_client.drop(PST_R_NO_SESSION, 9);
  std::vector<LedgerRow> rows = first.rows();
  for (LedgerRow& row : second.rows()) rows.push_back(std::move(row));
  return rows;
}

std::vector<LedgerSum> sums() {
  return sum_up(two_threads(), "client_to_tunnel", "tunnel_to_client");
}

TEST(LedgerSum, HasOneLineForEachServiceUnitAndHop) {
  std::vector<std::string> lines;
  for (const LedgerSum& sum : sums()) {
    lines.push_back(sum.row.service + (sum.row.flows ? "/flows/" : "/datagrams/") + std::string{sum.hop});
  }
  EXPECT_THAT(lines, testing::ElementsAre("/datagrams/tunnel_to_client", "dns/datagrams/client_to_tunnel",
                                          "dns/datagrams/tunnel_to_client", "dns/flows/client_to_tunnel",
                                          "dns/flows/tunnel_to_client"));
}

TEST(LedgerSum, AddsUpWhatTheThreadsCounted) {
  const LedgerRow dns = sums()[1].row;

  EXPECT_EQ(dns.received, 7u);
  EXPECT_EQ(dns.received_bytes, 180u);
  EXPECT_EQ(dns.sent, 1u);
  EXPECT_EQ(dns.held, 0u);
  EXPECT_EQ(dns.dropped_bytes, 80u);
  EXPECT_THAT(dns.dropped,
              testing::ElementsAre(testing::Pair(PST_R_QUEUE_FULL, 2u), testing::Pair(PST_R_OVERRUN, 4u)));
  for (const LedgerSum& sum : sums()) EXPECT_TRUE(sum.row.balances()) << sum.hop;
}

TEST(LedgerSum, DoesNotBalanceWhenOneThreadDoesNot) {
  Ledger wrong;
  wrong.of("dns").to_client.receive(1);
  auto parts = two_threads();
  parts.push_back(wrong.rows().front());

  for (const LedgerSum& sum : sum_up(parts, "client_to_tunnel", "tunnel_to_client")) {
    const bool is_wrong = sum.row.service == "dns" && !sum.row.flows && sum.row.to_client;
    EXPECT_EQ(sum.row.balances(), !is_wrong) << sum.row.service << " " << sum.hop;
  }
}

TEST(LedgerSum, OfNothingIsNothing) {
  EXPECT_TRUE(sum_up({}, "a", "b").empty());
}

TEST(LedgerMetrics, CountDatagramsByOutcomeAndReason) {
  MetricsPage page;
  add_datagrams(page, sums());

  const std::string text = page.text();
  for (const char* line : {
           R"(penstock_datagrams_total{service="dns",hop="client_to_tunnel",outcome="received"} 7)",
           R"(penstock_datagrams_total{service="dns",hop="client_to_tunnel",outcome="sent"} 1)",
           R"(penstock_datagrams_total{service="dns",hop="client_to_tunnel",outcome="dropped"} 6)",
           R"(penstock_datagrams_total{service="dns",hop="tunnel_to_client",outcome="received"} 1)",
           R"(penstock_datagrams_total{service="",hop="tunnel_to_client",outcome="dropped"} 1)",
           R"(penstock_datagrams_dropped_total{service="dns",hop="client_to_tunnel",reason="queue_full"} 2)",
           R"(penstock_datagrams_dropped_total{service="dns",hop="client_to_tunnel",reason="overrun"} 4)",
           R"(penstock_datagrams_dropped_total{service="",hop="tunnel_to_client",reason="no_session"} 1)",
       }) {
    EXPECT_THAT(text, HasSubstr(std::string{line} + "\n"));
  }
}

TEST(LedgerMetrics, LeaveFlowsToTheirOwn) {
  Ledger ledger;
  ledger.of("web").open_flow();
  MetricsPage page;
  add_datagrams(page, sum_up(ledger.rows(), "client_to_tunnel", "tunnel_to_client"));

  EXPECT_THAT(page.text(), Not(HasSubstr("web")));
}

}  // namespace
}  // namespace penstock
