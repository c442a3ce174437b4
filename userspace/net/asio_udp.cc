#include "net/asio_udp.h"

#include <linux/sock_diag.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>

#include "net/udp_inbox.h"

namespace penstock {
namespace {

/// What is read before other work of the loop gets its turn: the batch that reaches one of these is the last.
constexpr std::size_t kTurnDatagrams = 256;
constexpr std::size_t kTurnBytes = 512 * 1024;
/// A turn that read less, of all that waited, has hardly left room for the system to throw anything away.
constexpr std::size_t kManyDatagrams = 16;
constexpr std::size_t kManyBytes = 16 * 1024;
constexpr unsigned kTurnsUnasked = 64;  // then the system is asked all the same

std::size_t size_of(std::span<const ReceivedDatagram> datagrams) {
  std::size_t bytes = 0;
  for (const ReceivedDatagram& each : datagrams) bytes += each.payload.size();
  return bytes;
}

}  // namespace

/// What the socket has while it is read from.
class AsioUdpSocket::State final : public UdpReadiness::Reader, public std::enable_shared_from_this<State> {
 public:
  State(std::shared_ptr<UdpReadiness> readiness, FileDescriptor socket, UdpObserver& observer)
      : readiness_{std::move(readiness)}, socket_{std::move(socket)}, observer_{&observer} {
    readiness_->add(socket_.get(), *this);
  }

  void close() {
    observer_ = nullptr;
    readiness_->remove(*this);
    socket_.reset();
  }

  std::size_t on_readable() override { return read(UdpInbox::of_thread()); }
  std::size_t read(UdpInbox& inbox);
  int fd() const { return socket_.get(); }

 private:
  bool may_have_overrun(std::size_t datagrams, std::size_t bytes);
  void tell_overrun();

  const std::shared_ptr<UdpReadiness> readiness_;
  FileDescriptor socket_;
  UdpObserver* observer_;      // nothing once it is closed
  std::uint32_t dropped_ = 0;  // as the system counted last; it may wrap
  unsigned unasked_ = 0;       // turns since then
};

AsioUdpSocket::AsioUdpSocket(std::shared_ptr<UdpReadiness> readiness, FileDescriptor socket,
                             const Endpoint& local, UdpObserver& observer)
    : local_{local},
      outbox_{socket.get()},
      state_{std::make_shared<State>(std::move(readiness), std::move(socket), observer)} {}

AsioUdpSocket::~AsioUdpSocket() {
  state_->close();
}

void AsioUdpSocket::wait_for_room(std::chrono::milliseconds most) {
  pollfd room{.fd = state_->fd(), .events = POLLOUT, .revents = 0};
  ::poll(&room, 1, static_cast<int>(most.count()));
}

void AsioUdpSocket::poll() {
  state_->read(UdpInbox::nested_of_thread());
}

std::size_t AsioUdpSocket::State::read(UdpInbox& inbox) {
  const auto kept = shared_from_this();
  std::size_t datagrams = 0;
  std::size_t bytes = 0;
  for (bool more = true; more && datagrams < kTurnDatagrams && bytes < kTurnBytes;) {
    more = inbox.read(socket_.get());
    for (auto part = inbox.next(); !part.empty(); part = inbox.next()) {
      datagrams += part.size();
      bytes += size_of(part);
      observer_->on_datagrams(part);
      if (observer_ == nullptr) return datagrams;
    }
  }
  if (may_have_overrun(datagrams, bytes)) tell_overrun();
  return datagrams;
}

bool AsioUdpSocket::State::may_have_overrun(std::size_t datagrams, std::size_t bytes) {
  return datagrams >= kManyDatagrams || bytes >= kManyBytes || ++unasked_ >= kTurnsUnasked;
}

/// Asked for after a turn: what comes with a datagram (SO_RXQ_OVFL) would tell of the drops before it only.
void AsioUdpSocket::State::tell_overrun() {
  unasked_ = 0;
  std::array<std::uint32_t, SK_MEMINFO_VARS> counts{};
  socklen_t length = sizeof counts;
  if (::getsockopt(socket_.get(), SOL_SOCKET, SO_MEMINFO, counts.data(), &length) != 0) return;
  const std::uint32_t more = counts[SK_MEMINFO_DROPS] - dropped_;
  dropped_ = counts[SK_MEMINFO_DROPS];
  if (more > 0) observer_->on_overrun(more);
}

}  // namespace penstock
