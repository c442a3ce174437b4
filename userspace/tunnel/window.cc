#include "tunnel/window.h"

#include <algorithm>

namespace penstock {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kInitial = wire::kInitialCredit;
/// A consumer that took nothing for so long has not earned a larger window.
constexpr Duration kIdleConsumer = 1s;
/// A window follows what its consumer has proved to take: this many times all it consumed so far.
constexpr std::uint64_t kGrowth = 4;
/// Credit is returned in steps of a quarter of the window, or of so many bytes where that is less: a legacy
/// sender with the smallest published window must never wait for a step larger than its window.
constexpr std::uint64_t kLargestStep = 256U << 10;

}  // namespace

WindowBudget::WindowBudget(std::uint64_t total, std::uint32_t streams)
    : total_{total}, allowed_{streams}, free_{total - std::min(total, kInitial * streams)} {}

bool WindowBudget::admit() {
  if (streams_.fetch_add(1, std::memory_order_relaxed) < allowed_) return true;
  streams_.fetch_sub(1, std::memory_order_relaxed);
  return false;
}

void WindowBudget::leave() {
  streams_.fetch_sub(1, std::memory_order_relaxed);
}

std::uint64_t WindowBudget::draw(std::uint64_t wanted) {
  std::uint64_t free = free_.load(std::memory_order_relaxed);
  std::uint64_t taken = 0;
  do {
    taken = std::min(wanted, free / 4);
  } while (!free_.compare_exchange_weak(free, free - taken, std::memory_order_relaxed));
  return taken;
}

void WindowBudget::give_back(std::uint64_t bytes) {
  free_.fetch_add(bytes, std::memory_order_relaxed);
}

std::uint64_t WindowBudget::share() const {
  const std::uint64_t streams = std::max(1U, streams_.load(std::memory_order_relaxed));
  return std::clamp(total_ / streams, kInitial, kMaxWindow);
}

std::uint64_t WindowBudget::granted() const {
  const std::uint64_t growth =
      total_ - std::min(total_, kInitial * allowed_) - free_.load(std::memory_order_relaxed);
  return kInitial * streams_.load(std::memory_order_relaxed) + growth;
}

bool ReceiveWindow::receive(std::uint64_t bytes) {
  received_ += bytes;
  return received_ <= granted_;
}

std::uint32_t ReceiveWindow::consume(std::uint64_t bytes, Time now) {
  const bool active = consumed_ == 0 || now - last_consumed_ < kIdleConsumer;
  consumed_ += bytes;
  last_consumed_ = now;
  if (budget_ != nullptr) resize(std::min(budget_->share(), kGrowth * consumed_), active);
  const std::uint64_t size = initial_ + drawn_;
  const std::uint64_t grant = size - std::min(size, outstanding());
  if (grant < std::min(size / 4, kLargestStep)) return 0;
  granted_ += grant;
  return static_cast<std::uint32_t>(grant);
}

/// Draws towards `wanted`, or gives back what is above it and no longer outstanding at the peer.
void ReceiveWindow::resize(std::uint64_t wanted, bool grow) {
  const std::uint64_t size = initial_ + drawn_;
  if (wanted > size) {
    if (grow) drawn_ += budget_->draw(wanted - size);
    return;
  }
  const std::uint64_t least = std::max({wanted, outstanding(), initial_});
  if (least < size) {
    budget_->give_back(size - least);
    drawn_ = least - initial_;
  }
}

void ReceiveWindow::release() {
  if (budget_ != nullptr && drawn_ > 0) budget_->give_back(drawn_);
  drawn_ = 0;
}

bool SendWindow::grant(std::uint32_t bytes) {
  const bool fits = bytes <= most_ - credit_;
  credit_ = fits ? credit_ + bytes : most_;
  return fits;
}

}  // namespace penstock
