// The threads of a node that carry traffic.
#pragma once

#include <memory>
#include <thread>
#include <vector>

#include "net/asio_loop.h"
#include "net/asio_network.h"
#include "tunnel/worker.h"

namespace penstock {

/// One thread, loop and network view for each worker. Made before the roles, destroyed after them; the
/// threads end in stop(), after which everything may be destroyed from one thread.
class Workers {
 public:
  /// `count` 0: one per core that this process may use.
  explicit Workers(unsigned count);
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  /// How many threads `configured` means.
  static unsigned count_for(unsigned configured);

  void start();
  void stop();
  std::vector<Worker> all();
  const Counters& counters(std::size_t index) const { return threads_[index]->counters; }
  std::size_t count() const { return threads_.size(); }

 private:
  struct Thread {
    AsioLoop loop;
    AsioNetwork network{loop};
    Counters counters;
    std::thread thread;
  };
  std::vector<std::unique_ptr<Thread>> threads_;
};

}  // namespace penstock
