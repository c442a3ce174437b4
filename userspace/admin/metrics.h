// The page of GET /metrics, in Prometheus's text form.
#pragma once

#include <penstock/api/metrics.h>
#include <prometheus/metric_family.h>

#include <cstddef>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "admin/router.h"

namespace penstock {

/// Collects values and writes the page. Every metric that a value was added for appears with its help and
/// type, in the order of the table of api/metrics.h.
class MetricsPage {
 public:
  /// `labels` are the values of the metric's labels in the table's order; another number of them aborts.
  void add(const api::Metric& metric, std::initializer_list<std::string_view> labels, double value);
  void add(const api::Metric& metric, double value) { add(metric, {}, value); }

  std::string text() const;
  /// The page as the answer to GET /metrics.
  AdminResponse response() const;

 private:
  std::map<std::size_t, prometheus::MetricFamily> families_;  // by place in the table
};

}  // namespace penstock
