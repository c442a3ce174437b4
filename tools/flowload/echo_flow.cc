#include "flowload/echo_flow.h"

#include <sys/socket.h>

#include <cerrno>
#include <string>

#include "flowload/socket.h"

namespace penstock::flowload {
namespace {

std::string_view doing(EchoStep step) {
  switch (step) {
    case EchoStep::kConnecting:
      return "connect";
    case EchoStep::kEchoing:
      return "echo";
    case EchoStep::kEnding:
      return "end";
    case EchoStep::kOpen:
      return "open flow";
    case EchoStep::kClosed:
      break;
  }
  return "closed flow";
}

Error broken(std::string what) {
  return error(Errc::kProtocol, std::move(what));
}

}  // namespace

void EchoFlow::begin(EchoStep step) {
  step_ = step;
  since_ = Clock::now();
}

void EchoFlow::open(const Endpoint& to, const std::optional<IpAddress>& source) {
  begin(EchoStep::kConnecting);
  opened_ = since_;
  auto fd = start_connect(to, source);
  if (!fd) return fail(fd.error());
  fd_ = std::move(*fd);
  poller_.add(fd_.get(), EPOLLOUT, *this);
}

void EchoFlow::echo() {
  begin(EchoStep::kEchoing);
  ++sent_;
  if (send(fd_.get(), &sent_, 1, MSG_NOSIGNAL) != 1) fail(system_error("echo", errno));
}

void EchoFlow::end() {
  begin(EchoStep::kEnding);
  if (shutdown(fd_.get(), SHUT_WR) != 0) fail(system_error("end", errno));
}

void EchoFlow::check(Time now) {
  if (step_ == EchoStep::kClosed || step_ == EchoStep::kOpen || now - since_ < kPatience) return;
  fail(error(Errc::kUnavailable, std::string{doing(step_)} + ": no answer in time"));
}

FileDescriptor EchoFlow::release() {
  poller_.forget(*this);
  step_ = EchoStep::kClosed;
  return std::move(fd_);
}

void EchoFlow::on_ready(std::uint32_t) {
  if (step_ == EchoStep::kConnecting) return connected();
  read();
}

void EchoFlow::connected() {
  if (auto failed = take_error(fd_.get(), "connect")) return fail(*failed);
  poller_.change(fd_.get(), EPOLLIN, *this);
  echo();
}

void EchoFlow::read() {
  std::uint8_t bytes[2];
  const ssize_t count = recv(fd_.get(), bytes, sizeof bytes, 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count < 0) return fail(system_error(doing(step_), errno));
  if (step_ == EchoStep::kEnding && count == 0) {
    close();
    return owner_.on_ended(*this);
  }
  if (count == 0) return fail(broken(std::string{doing(step_)} + ": the peer ended the flow"));
  if (step_ != EchoStep::kEchoing || count != 1 || bytes[0] != sent_) {
    return fail(broken(std::string{doing(step_)} + ": the peer sent what it was not sent"));
  }
  step_ = EchoStep::kOpen;
  owner_.on_echo(*this);
}

void EchoFlow::close() {
  poller_.forget(*this);
  fd_.reset();
  step_ = EchoStep::kClosed;
}

void EchoFlow::fail(const Error& error) {
  const EchoStep failed = step_;
  close();
  owner_.on_failed(failed, error);
}

}  // namespace penstock::flowload
