#include "admin/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file_descriptor.h"

namespace penstock {
namespace {

using testing::HasSubstr;

TEST(MetricsPage, WritesFamiliesInTheOrderOfTheTable) {
  MetricsPage page;
  page.add(api::kBytesTotal, {"to_backend"}, 1e15 + 1);
  page.add(api::kFlowsOpen, 3);
  page.add(api::kBytesTotal, {"to_client"}, 0);
  page.add(api::kCarrierRttSeconds, {"fra1", "0"}, 0.0125);

  EXPECT_EQ(page.text(),
            "# HELP penstock_flows_open TCP connections that are open now\n"
            "# TYPE penstock_flows_open gauge\n"
            "penstock_flows_open 3\n"
            "# HELP penstock_bytes_total payload bytes of TCP carried, to_backend or to_client\n"
            "# TYPE penstock_bytes_total counter\n"
            "penstock_bytes_total{direction=\"to_backend\"} 1000000000000001\n"
            "penstock_bytes_total{direction=\"to_client\"} 0\n"
            "# HELP penstock_carrier_rtt_seconds round trip of a carrier's last PING\n"
            "# TYPE penstock_carrier_rtt_seconds gauge\n"
            "penstock_carrier_rtt_seconds{edge=\"fra1\",carrier=\"0\"} 0.0125\n");
}

TEST(MetricsPage, EscapesLabels) {
  MetricsPage page;
  page.add(api::kBuildInfo, {"a\"b\\c\nd"}, 1);

  EXPECT_THAT(page.text(), HasSubstr("{version=\"a\\\"b\\\\c\\nd\"} 1\n"));
}

TEST(MetricsPage, AnswersAsPrometheusWantsIt) {
  MetricsPage page;
  page.add(api::kUp, 1);

  EXPECT_EQ(page.response().content_type, "text/plain; version=0.0.4");
  EXPECT_EQ(page.response().body, page.text());
}

TEST(MetricsPageDeathTest, RefusesAnotherNumberOfLabels) {
  MetricsPage page;
  EXPECT_DEATH(page.add(api::kBytesTotal, 1), "takes other labels");
}

TEST(MetricTable, NamesAreUniqueAndOfOneForm) {
  for (const auto& metric : api::kMetrics) {
    EXPECT_TRUE(metric.name.starts_with("penstock_")) << metric.name;
    EXPECT_EQ(metric.name.ends_with("_total"), metric.kind == api::MetricKind::kCounter) << metric.name;
    EXPECT_EQ(std::count_if(api::kMetrics.begin(), api::kMetrics.end(),
                            [&](const auto& other) { return other.name == metric.name; }),
              1)
        << metric.name;
  }
}

TEST(MetricTable, IsInTheReferencePage) {
  const auto page = read_file(PENSTOCK_ADMIN_PAGE, 1 << 20);
  ASSERT_TRUE(page);
  for (const auto& metric : api::kMetrics) {
    std::string labels;
    for (std::size_t i = 0; i < metric.label_count(); ++i) {
      labels.append(i == 0 ? "" : ", ").append(metric.labels[i]);
    }
    const char* kind = metric.kind == api::MetricKind::kCounter ? "counter" : "gauge";
    EXPECT_THAT(*page, HasSubstr("| `" + std::string{metric.name} + "` | " + kind + " | " + labels + " | " +
                                 std::string{metric.help} + " |\n"));
  }
}

}  // namespace
}  // namespace penstock
