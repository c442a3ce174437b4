#include "admin/metrics.h"

#include <prometheus/text_serializer.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace penstock {
namespace {

prometheus::MetricFamily family_of(const api::Metric& metric) {
  prometheus::MetricFamily out;
  out.name = metric.name;
  out.help = metric.help;
  out.type = metric.kind == api::MetricKind::kCounter ? prometheus::MetricType::Counter
                                                      : prometheus::MetricType::Gauge;
  return out;
}

std::size_t place_of(const api::Metric& metric, std::size_t labels) {
  const auto at = std::find_if(api::kMetrics.begin(), api::kMetrics.end(),
                               [&](const api::Metric& each) { return each.name == metric.name; });
  if (at == api::kMetrics.end() || labels != metric.label_count()) {
    std::fprintf(stderr, "penstock: metric %s is not in the table, or takes other labels\n",
                 metric.name.data());
    std::abort();
  }
  return static_cast<std::size_t>(at - api::kMetrics.begin());
}

}  // namespace

void MetricsPage::add(const api::Metric& metric, std::initializer_list<std::string_view> labels,
                      double value) {
  const auto at = families_.try_emplace(place_of(metric, labels.size()), family_of(metric)).first;
  prometheus::ClientMetric sample;
  const auto* name = metric.labels.begin();
  for (const auto label : labels) sample.label.push_back({std::string{*name++}, std::string{label}});
  sample.counter.value = value;  // the family's type says which of the two is written
  sample.gauge.value = value;
  at->second.metric.push_back(std::move(sample));
}

std::string MetricsPage::text() const {
  std::vector<prometheus::MetricFamily> families;
  for (const auto& [place, family] : families_) families.push_back(family);
  return prometheus::TextSerializer{}.Serialize(families);
}

AdminResponse MetricsPage::response() const {
  AdminResponse out;
  out.content_type = "text/plain; version=0.0.4";
  out.body = text();
  return out;
}

}  // namespace penstock
