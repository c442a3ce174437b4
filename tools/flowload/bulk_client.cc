#include "flowload/bulk_client.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "flowload/bulk_flow.h"
#include "flowload/report.h"
#include "flowload/socket.h"

namespace penstock::flowload {
namespace {

using Flows = std::vector<std::unique_ptr<BulkFlow>>;

constexpr std::uint32_t kMostFlows = 16384;
constexpr Duration kOpenTime = std::chrono::seconds{30};   // for all flows to be ready
constexpr Duration kDrainTime = std::chrono::seconds{60};  // for what is under way to arrive
constexpr double kBitsOfMegabit = 1e6;

BulkHeader header_of(const Options& options) {
  const std::uint64_t bytes_per_second = std::uint64_t{options.rate_total} * 1'000'000 / 8;
  // A share of nothing would mean "no limit".
  const std::uint64_t share =
      options.rate_total == 0 ? 0 : std::max<std::uint64_t>(bytes_per_second / options.flows, 1);
  return {.direction = options.direction, .bytes_per_second = share};
}

/// Waits until no flow is in one of the steps that `pending` names, or until `deadline`. False when told to
/// stop.
template <class Pending>
bool wait_while(Poller& poller, const Flows& flows, Time deadline, Pending pending) {
  while (Clock::now() < deadline && std::ranges::any_of(flows, pending)) {
    if (!poller.wait(deadline)) return false;
  }
  return true;
}

bool opening(const std::unique_ptr<BulkFlow>& flow) {
  return flow->step() == BulkFlow::Step::kConnecting || flow->step() == BulkFlow::Step::kWaiting;
}

std::uint64_t failed_of(const Flows& flows) {
  return static_cast<std::uint64_t>(
      std::ranges::count(flows, BulkFlow::Step::kFailed, [](const auto& flow) { return flow->step(); }));
}

bool open_all(Poller& poller, Flows& flows, const Options& options) {
  const BulkHeader header = header_of(options);
  for (std::uint32_t i = 0; i < options.flows; ++i) {
    flows.push_back(std::make_unique<BulkFlow>(poller));
    flows.back()->open(options.connect, options.source_of(i), header);
  }
  if (!wait_while(poller, flows, Clock::now() + kOpenTime, opening)) return false;
  for (auto& flow : flows) {
    if (opening(flow)) flow->fail(error(Errc::kUnavailable, "not open from end to end in time"));
  }
  return true;
}

/// From the first byte of payload to the last one's arrival.
bool load(Poller& poller, Flows& flows, const Options& options) {
  for (auto& flow : flows) {
    if (flow->step() == BulkFlow::Step::kReady) flow->go();
  }
  const Time end = Clock::now() + std::chrono::seconds{options.seconds};
  const auto unsettled = [](const auto& flow) { return !flow->settled(); };
  if (!wait_while(poller, flows, end, unsettled)) return false;
  for (auto& flow : flows) {
    if (flow->step() == BulkFlow::Step::kRunning) flow->finish();
  }
  if (!wait_while(poller, flows, Clock::now() + kDrainTime, unsettled)) return false;
  for (auto& flow : flows) {
    if (!flow->settled()) flow->fail(error(Errc::kUnavailable, "what was sent did not arrive in time"));
  }
  return true;
}

void print_done(const Flows& flows, const Options& options, Duration taken) {
  const double seconds = seconds_of(taken);
  const auto mbit = [seconds](std::uint64_t bytes) {
    return static_cast<double>(bytes) * 8 / kBitsOfMegabit / seconds;
  };
  std::uint64_t up = 0;
  std::uint64_t down = 0;
  std::vector<std::uint64_t> totals;
  for (const auto& flow : flows) {
    if (flow->step() != BulkFlow::Step::kDone) continue;
    up += flow->bytes_up();
    down += flow->bytes_down();
    totals.push_back(flow->bytes_up() + flow->bytes_down());
  }
  if (totals.empty()) totals.push_back(0);
  Report report{"done"};
  report.add("direction", to_string(options.direction))
      .add("flows", flows.size())
      .add("failed", failed_of(flows));
  report.add("seconds", seconds).add("bytes_up", up).add("bytes_down", down);
  report.add("mbit_up", mbit(up)).add("mbit_down", mbit(down));
  report.add("slowest_flow_mbit", mbit(std::ranges::min(totals)));
  report.add("fastest_flow_mbit", mbit(std::ranges::max(totals)));
  const auto broken =
      std::ranges::find(flows, BulkFlow::Step::kFailed, [](const auto& flow) { return flow->step(); });
  if (broken != flows.end()) report.add("first_error", (*broken)->error()->what);
  report.print();
}

}  // namespace

Result<bool> run_bulk(const Options& options) {
  if (options.flows > kMostFlows) {
    return error(Errc::kInvalid, "--flows: at most " + std::to_string(kMostFlows) + " bulk flows");
  }
  if (auto allowed = allow_descriptors(options.flows + kOtherDescriptors); !allowed) return allowed.error();
  Poller poller;
  Flows flows;
  if (!open_all(poller, flows, options)) return error(Errc::kUnavailable, "stopped by a signal");
  Report{"started"}.add("flows", flows.size() - failed_of(flows)).add("failed", failed_of(flows)).print();
  const Time begin = Clock::now();
  if (!load(poller, flows, options)) return error(Errc::kUnavailable, "stopped by a signal");
  print_done(flows, options, Clock::now() - begin);
  return failed_of(flows) == 0;
}

}  // namespace penstock::flowload
