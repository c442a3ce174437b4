// A server: accepts flows up to a limit and owns them until they end.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "base/file_descriptor.h"
#include "base/time.h"
#include "flowload/options.h"
#include "flowload/poller.h"

namespace penstock::flowload {

/// A flow of a server, which owns it.
class ServedFlow : public Watcher {
 public:
  virtual ~ServedFlow() = default;
};

struct ServerCounts {
  std::uint64_t flows = 0;      // served in all
  std::uint64_t most_open = 0;  // at once
  std::uint64_t refused = 0;    // beyond the limit
  std::uint64_t failed = 0;     // ended by an error
  std::uint64_t bytes = 0;      // received
};

class FlowServer final : public Watcher {
 public:
  /// Makes the flow of an accepted descriptor and adds it to the poller.
  using MakeFlow = std::function<std::unique_ptr<ServedFlow>(FileDescriptor fd, FlowServer& server)>;

  explicit FlowServer(MakeFlow make_flow) : make_flow_{std::move(make_flow)} {}

  /// Listens, prints where, serves until a signal or the end of the time, and prints what was served.
  Result<bool> run(const Options& options);

  Poller& poller() { return poller_; }
  void received(std::size_t bytes) { counts_.bytes += bytes; }
  /// The flow is destroyed before the next round; nothing more reaches it.
  void end(ServedFlow& flow);
  /// The same, for a flow that ended by an error.
  void fail(ServedFlow& flow);

  void on_ready(std::uint32_t events) override;

 private:
  Result<void> accept_all();
  void admit(FileDescriptor fd);
  void print_counts() const;

  MakeFlow make_flow_;
  Poller poller_;
  FileDescriptor listener_;
  std::size_t max_flows_ = 0;
  std::unordered_map<const ServedFlow*, std::unique_ptr<ServedFlow>> flows_;
  std::vector<std::unique_ptr<ServedFlow>> ended_;  // freed when their round is over
  ServerCounts counts_;
  std::optional<Error> accept_error_;
};

}  // namespace penstock::flowload
