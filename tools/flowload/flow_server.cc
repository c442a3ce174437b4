#include "flowload/flow_server.h"

#include <algorithm>

#include "flowload/report.h"
#include "flowload/socket.h"

namespace penstock::flowload {
namespace {

constexpr int kAcceptsPerRound = 64;

}  // namespace

Result<bool> FlowServer::run(const Options& options) {
  max_flows_ = options.max_flows;
  if (auto allowed = allow_descriptors(max_flows_ + kOtherDescriptors); !allowed) return allowed.error();
  auto listener = listen_on(options.listen);
  if (!listener) return listener.error();
  listener_ = std::move(*listener);
  poller_.add(listener_.get(), EPOLLIN, *this);
  Report{"listening"}.add("address", local_endpoint(listener_.get()).to_string()).print();

  const Time end = options.seconds == 0 ? kNever : Clock::now() + std::chrono::seconds{options.seconds};
  while (poller_.wait(std::min(end, Clock::now() + std::chrono::hours{1})) && Clock::now() < end) {
    ended_.clear();
    if (accept_error_) return *accept_error_;
  }
  print_counts();
  return true;
}

void FlowServer::on_ready(std::uint32_t) {
  if (auto accepted = accept_all(); !accepted) accept_error_ = accepted.error();
}

Result<void> FlowServer::accept_all() {
  for (int i = 0; i < kAcceptsPerRound; ++i) {
    auto fd = accept_one(listener_.get());
    if (!fd) return fd.error();
    if (!*fd) break;
    admit(std::move(*fd));
  }
  return {};
}

void FlowServer::admit(FileDescriptor fd) {
  if (flows_.size() >= max_flows_) {
    ++counts_.refused;
    return;
  }
  auto flow = make_flow_(std::move(fd), *this);
  const ServedFlow* key = flow.get();
  flows_.emplace(key, std::move(flow));
  ++counts_.flows;
  counts_.most_open = std::max<std::uint64_t>(counts_.most_open, flows_.size());
}

void FlowServer::end(ServedFlow& flow) {
  poller_.forget(flow);
  auto node = flows_.extract(&flow);
  ended_.push_back(std::move(node.mapped()));
}

void FlowServer::fail(ServedFlow& flow) {
  ++counts_.failed;
  end(flow);
}

void FlowServer::print_counts() const {
  Report{"done"}
      .add("flows", counts_.flows)
      .add("most_open", counts_.most_open)
      .add("refused", counts_.refused)
      .add("failed", counts_.failed)
      .add("bytes", counts_.bytes)
      .print();
}

}  // namespace penstock::flowload
