#include "net/udp_readiness.h"

#include <algorithm>
#include <boost/system/system_error.hpp>
#include <cerrno>

namespace penstock {
namespace {

int must(int result, const char* doing) {
  if (result < 0) throw boost::system::system_error{errno, boost::system::system_category(), doing};
  return result;
}

}  // namespace

std::shared_ptr<UdpReadiness> UdpReadiness::make(boost::asio::io_context& context) {
  std::shared_ptr<UdpReadiness> made{new UdpReadiness{context}};
  made->wait();
  return made;
}

UdpReadiness::UdpReadiness(boost::asio::io_context& context)
    : epoll_{context, must(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")} {}

void UdpReadiness::add(int fd, Reader& reader) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = &reader;
  must(::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

void UdpReadiness::remove(const Reader& reader) {
  for (std::size_t i = 0; i < ready_count_; ++i) {
    if (ready_[i].data.ptr == &reader) ready_[i].data.ptr = nullptr;
  }
}

void UdpReadiness::wait() {
  epoll_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                    [weak = weak_from_this()](const boost::system::error_code& error) {
                      const auto self = weak.lock();
                      if (error || !self) return;
                      self->tell();
                      self->wait();
                    });
}

/// The system puts those that it tells of behind all others: what this turn leaves comes in a later one.
void UdpReadiness::tell() {
  const int count = ::epoll_wait(epoll_.native_handle(), ready_.data(), kAtOnce, 0);
  ready_count_ = static_cast<std::size_t>(std::max(count, 0));
  std::size_t datagrams = 0;
  for (std::size_t i = 0; i < ready_count_ && datagrams < kTurn; ++i) {
    if (ready_[i].data.ptr != nullptr) datagrams += static_cast<Reader*>(ready_[i].data.ptr)->on_readable();
  }
  ready_count_ = 0;
}

}  // namespace penstock
