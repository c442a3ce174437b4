#include "flowload/poller.h"

#include <sys/signalfd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace penstock::flowload {
namespace {

// Without these calls there is no loop and nothing to fall back to.
int must(int result, const char* doing) {
  if (result >= 0) return result;
  std::perror(doing);
  std::abort();
}

timespec timespec_of(Duration span) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(span);
  const auto rest = std::chrono::duration_cast<std::chrono::nanoseconds>(span - seconds);
  return {.tv_sec = seconds.count(), .tv_nsec = rest.count()};
}

FileDescriptor take_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  must(sigprocmask(SIG_BLOCK, &set, nullptr), "sigprocmask");
  return FileDescriptor{must(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), "signalfd")};
}

}  // namespace

Poller::Poller() : epoll_{must(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")}, signals_{take_signals()} {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = this;  // no watcher has this address: it means the signals
  must(epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, signals_.get(), &event), "epoll_ctl");
}

void Poller::add(int fd, std::uint32_t events, Watcher& watcher) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &watcher;
  must(epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event), "epoll_ctl add");
}

void Poller::change(int fd, std::uint32_t events, Watcher& watcher) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &watcher;
  must(epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event), "epoll_ctl mod");
}

void Poller::forget(const Watcher& watcher) {
  for (int i = 0; i < ready_count_; ++i) {
    auto& event = ready_[static_cast<std::size_t>(i)];
    if (event.data.ptr == &watcher) event.data.ptr = nullptr;
  }
}

bool Poller::wait(Time until) {
  const timespec timeout = timespec_of(std::max(until - Clock::now(), Duration::zero()));
  const int count =
      epoll_pwait2(epoll_.get(), ready_.data(), static_cast<int>(ready_.size()), &timeout, nullptr);
  ready_count_ = std::max(count, 0);  // interrupted: nothing is ready
  for (int i = 0; i < ready_count_; ++i) {
    const epoll_event event = ready_[static_cast<std::size_t>(i)];
    if (event.data.ptr == this) {
      stopped_ = true;
    } else if (event.data.ptr != nullptr) {
      static_cast<Watcher*>(event.data.ptr)->on_ready(event.events);
    }
  }
  ready_count_ = 0;
  return !stopped_;
}

}  // namespace penstock::flowload
