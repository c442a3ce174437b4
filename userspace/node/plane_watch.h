// Carries changes of the host's network to those who steer by it.
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <memory>
#include <vector>

#include "net/asio_loop.h"
#include "steering/kernel_plane.h"
#include "tunnel/worker.h"

namespace penstock {

/// On the control loop; tells each lane on its worker's thread. Destroyed after the threads have ended.
class PlaneWatch {
 public:
  /// `workers` are those of the lanes, by lane.
  PlaneWatch(KernelPlane& plane, AsioLoop& control, std::vector<Worker> workers);
  ~PlaneWatch();
  PlaneWatch(const PlaneWatch&) = delete;
  PlaneWatch& operator=(const PlaneWatch&) = delete;

 private:
  void wait();
  template <class Work>
  void on_each_lane(Work work);
  void on_change();
  void keep_alive();
  void look_again();

  KernelPlane& plane_;
  AsioLoop& control_;
  const std::vector<Worker> workers_;
  boost::asio::posix::stream_descriptor descriptor_;
  std::unique_ptr<Timer> keep_alive_;
  std::unique_ptr<Timer> look_again_;
};

}  // namespace penstock
