#include "node/plane_watch.h"

#include <glog/logging.h>

namespace penstock {
namespace {

using namespace std::chrono_literals;

/// Shorter than the time after which the kernel forgets a neighbour that it has not heard of.
constexpr Duration kKeepAlive = 20s;
constexpr Duration kLookEvery = 1s;

}  // namespace

PlaneWatch::PlaneWatch(KernelPlane& plane, AsioLoop& control, std::vector<Worker> workers)
    : plane_{plane},
      control_{control},
      workers_{std::move(workers)},
      descriptor_{control.context(), plane.monitor().fd()},
      keep_alive_{control.make_timer([this] { keep_alive(); })},
      look_again_{control.make_timer([this] { look_again(); })} {
  wait();
  look_again_->arm(control_.now() + kLookEvery);
  keep_alive_->arm(control_.now() + kKeepAlive);
}

PlaneWatch::~PlaneWatch() {
  descriptor_.release();  // the monitor's own
}

void PlaneWatch::wait() {
  descriptor_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                         [this](const boost::system::error_code& error) {
                           if (error) return;
                           on_change();
                           wait();
                         });
}

template <class Work>
void PlaneWatch::on_each_lane(Work work) {
  for (std::size_t lane = 0; lane < plane_.lanes().size(); ++lane)
    workers_[lane].loop.post([steering = plane_.lanes()[lane], work] { work(*steering); });
}

void PlaneWatch::on_change() {
  const auto changes = plane_.monitor().read();
  if (!changes) {
    LOG(ERROR) << "changes of the host's network are not seen: " << changes.error().what;
    return;
  }
  if (changes->addresses) plane_.ports().refresh_addresses();
  const bool routes = changes->routes || changes->links || changes->addresses;
  if (!routes && !changes->neighbours) return;
  on_each_lane([routes](KernelSteering& steering) { steering.on_network_changed(routes); });
}

void PlaneWatch::keep_alive() {
  keep_alive_->arm(control_.now() + kKeepAlive);
  on_each_lane([](KernelSteering& steering) { steering.keep_alive(); });
}

void PlaneWatch::look_again() {
  look_again_->arm(control_.now() + kLookEvery);
  on_each_lane([](KernelSteering& steering) { steering.look_again(); });
}

}  // namespace penstock
