#include "node/workers.h"

#include <pthread.h>
#include <sched.h>

#include <string>

namespace penstock {
namespace {

unsigned usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return ::sched_getaffinity(0, sizeof set, &set) == 0 ? static_cast<unsigned>(CPU_COUNT(&set)) : 1;
}

}  // namespace

unsigned Workers::count_for(unsigned configured) {
  return configured == 0 ? usable_cores() : configured;
}

Workers::Workers(unsigned count) {
  const unsigned wanted = count_for(count);
  for (unsigned i = 0; i < wanted; ++i) threads_.push_back(std::make_unique<Thread>());
}

Workers::~Workers() {
  stop();
}

void Workers::start() {
  for (std::size_t i = 0; i < threads_.size(); ++i) {
    Thread& thread = *threads_[i];
    thread.thread = std::thread{[&loop = thread.loop] { loop.run(); }};
    ::pthread_setname_np(thread.thread.native_handle(), ("worker-" + std::to_string(i)).c_str());
  }
}

void Workers::stop() {
  for (const auto& thread : threads_) thread->loop.stop();
  for (const auto& thread : threads_) {
    if (thread->thread.joinable()) thread->thread.join();
  }
}

std::vector<Worker> Workers::all() {
  std::vector<Worker> out;
  for (std::size_t i = 0; i < threads_.size(); ++i) {
    Thread& thread = *threads_[i];
    out.push_back({static_cast<unsigned>(i), thread.loop, thread.network, thread.counters});
  }
  return out;
}

}  // namespace penstock
