#include "flowload/bulk_flow.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "flowload/socket.h"

namespace penstock::flowload {

void BulkFlow::open(const Endpoint& to, const std::optional<IpAddress>& source, const BulkHeader& header) {
  header_ = header;
  auto fd = start_connect(to, source);
  if (!fd) return fail(fd.error());
  fd_ = std::move(*fd);
  poller_.add(fd_.get(), EPOLLOUT, *this);
}

void BulkFlow::connected() {
  if (auto failed = take_error(fd_.get(), "connect")) return fail(std::move(*failed));
  const auto header = encode(header_);
  if (send(fd_.get(), header.data(), header.size(), MSG_NOSIGNAL) != kBulkHeaderSize) {
    return fail(system_error("send the header", errno));
  }
  step_ = Step::kWaiting;
  poller_.change(fd_.get(), EPOLLIN, *this);
}

void BulkFlow::go() {
  if (send(fd_.get(), &kBulkGo, 1, MSG_NOSIGNAL) != 1) return fail(system_error("start", errno));
  if (header_.bytes_per_second != 0) pace(fd_.get(), header_.bytes_per_second);
  step_ = Step::kRunning;
  poller_.change(fd_.get(), has_up(header_.direction) ? EPOLLIN | EPOLLOUT : EPOLLIN, *this);
}

void BulkFlow::finish() {
  if (shutdown(fd_.get(), SHUT_WR) != 0) return fail(system_error("finish", errno));
  step_ = Step::kEnding;
  poller_.change(fd_.get(), EPOLLIN, *this);
}

void BulkFlow::fail(Error error) {
  poller_.forget(*this);
  fd_.reset();
  error_ = std::move(error);
  step_ = Step::kFailed;
}

void BulkFlow::on_ready(std::uint32_t events) {
  if (step_ == Step::kConnecting) return connected();
  if ((events & ~EPOLLOUT) != 0) read();
  if (step_ == Step::kRunning && (events & EPOLLOUT) != 0) write();
}

void BulkFlow::read() {
  const MutableBytes into = scratch();
  const ssize_t count = recv(fd_.get(), into.data(), into.size(), 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count < 0) return fail(system_error("receive", errno));
  if (count == 0) return ended();
  const Bytes bytes = into.first(static_cast<std::size_t>(count));
  if (step_ != Step::kWaiting) return take_payload(bytes);
  if (bytes.size() != 1 || bytes[0] != kBulkReady) {
    return fail(penstock::error(Errc::kProtocol, "the other end is not `flowload bulk-server`"));
  }
  step_ = Step::kReady;
}

void BulkFlow::take_payload(Bytes bytes) {
  received_ += bytes.size();
  const std::size_t fresh = std::min(bytes.size(), tail_.size());
  std::rotate(tail_.begin(), tail_.begin() + static_cast<std::ptrdiff_t>(fresh), tail_.end());
  std::ranges::copy(bytes.last(fresh), tail_.end() - static_cast<std::ptrdiff_t>(fresh));
}

void BulkFlow::write() {
  const Bytes payload = bulk_payload();
  const ssize_t count = send(fd_.get(), payload.data(), payload.size(), MSG_NOSIGNAL);
  if (count < 0 && errno != EAGAIN && errno != EINTR) fail(system_error("send", errno));
}

void BulkFlow::ended() {
  if (step_ != Step::kEnding) return fail(penstock::error(Errc::kProtocol, "the peer ended the flow early"));
  auto count = decode_trailer(tail_);
  if (!count) return fail(count.error());
  bytes_up_ = *count;
  poller_.forget(*this);
  fd_.reset();
  step_ = Step::kDone;
}

}  // namespace penstock::flowload
