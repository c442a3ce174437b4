#include "flowload/udp_load.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <optional>
#include <vector>

#include "flowload/datagrams.h"
#include "flowload/poller.h"
#include "flowload/report.h"
#include "flowload/socket.h"
#include "flowload/udp_wire.h"
#include "flowload/unanswered.h"

namespace penstock::flowload {
namespace {

constexpr Duration kPatienceForAnswer = std::chrono::milliseconds{200};
constexpr Duration kTick = std::chrono::microseconds{200};     // of a given rate
constexpr Duration kRefused = std::chrono::microseconds{200};  // before a socket that is full is tried again
constexpr std::size_t kMostPerRound = 1024;                    // sent before answers are looked at again
constexpr int kReceiveBuffers = 4 << 20;                       // of all sockets together, but at least ...
constexpr int kLeastReceiveBuffer = 64 << 10;                  // ... of each
constexpr std::byte kFiller{0x5a};
constexpr std::uint64_t kScatter = 0x9e3779b97f4a7c15;  // odd: numbers in a row become far apart

/// Each socket has a session towards each of the target's ports. The sessions take turns.
class UdpLoad {
 public:
  explicit UdpLoad(const Options& options)
      : options_{options},
        run_{static_cast<std::uint32_t>(random_u64())},
        filler_(options.size - kDatagramHeadSize, kFiller),
        received_{options.size + 1},
        unanswered_{options.sessions} {}

  Result<bool> run();

 private:
  class Client final : public Watcher {
   public:
    Client(UdpLoad& load, FileDescriptor fd, std::uint32_t first_session)
        : load_{load}, fd_{std::move(fd)}, first_session_{first_session} {}
    int fd() const { return fd_.get(); }
    std::uint32_t first_session() const { return first_session_; }
    void on_ready(std::uint32_t) override { load_.receive(*this); }

   private:
    UdpLoad& load_;
    FileDescriptor fd_;
    std::uint32_t first_session_;
  };

  Result<void> open_all();
  Result<void> open(std::uint32_t index, int receive_buffer);
  void name_targets();
  Result<void> send_until(Time end);
  Result<void> await_rest();
  std::size_t may_send(Time now) const;
  Bytes filler_of(std::uint64_t number) const;
  Result<void> send(std::size_t count);
  Result<std::size_t> send_of_one_client(std::size_t most);
  void receive(const Client& client);
  void take(const Client& client, std::size_t index, Time now);
  bool all_sent() const { return options_.datagrams != 0 && unanswered_.next() >= options_.datagrams; }
  Time next_look(Time now) const;
  bool print() const;

  const Options& options_;
  const std::uint32_t run_;
  const std::vector<std::byte> filler_;
  Poller poller_;
  std::vector<Peer> targets_;  // by port
  std::deque<Client> clients_;
  std::array<std::array<std::byte, kDatagramHeadSize>, kBatch> heads_;
  SendBatch batch_;
  ReceivedBatch received_;
  Unanswered unanswered_;
  Time begin_{};
  Time last_answer_{};
  bool refused_ = false;  // the system took less than we gave it
};

Result<void> UdpLoad::open_all() {
  const std::uint32_t count = (options_.sessions + options_.ports - 1) / options_.ports;
  if (auto allowed = allow_descriptors(count + kOtherDescriptors); !allowed) return allowed;
  const int receive_buffer =
      std::max(kLeastReceiveBuffer, kReceiveBuffers / static_cast<int>(std::min(count, 1024U)));
  for (std::uint32_t i = 0; i < count; ++i) {
    if (auto opened = open(i, receive_buffer); !opened) return opened;
  }
  return {};
}

Result<void> UdpLoad::open(std::uint32_t index, int receive_buffer) {
  Endpoint at{.address = options_.connect.address.is_v4() ? IpAddress::v4(0) : IpAddress{}, .port = 0};
  if (const auto source = options_.source_of(index)) at.address = *source;
  if (options_.first_port != 0) {
    const std::uint64_t port =
        options_.first_port + index / std::max<std::size_t>(options_.sources.size(), 1);
    if (port > 65535)
      return error(Errc::kInvalid, "so many sessions need more sources or a lower --first-port");
    at.port = static_cast<std::uint16_t>(port);
  }
  auto fd = bind_datagrams(at, receive_buffer);
  if (!fd) return fd.error();
  Client& client = clients_.emplace_back(*this, std::move(*fd), index * options_.ports);
  poller_.add(client.fd(), EPOLLIN, client);
  return {};
}

void UdpLoad::name_targets() {
  Endpoint target = options_.connect;
  for (std::uint32_t i = 0; i < options_.ports; ++i, ++target.port) {
    Peer& peer = targets_.emplace_back();
    peer.length = target.to_sockaddr(peer.address);
  }
}

std::size_t UdpLoad::may_send(Time now) const {
  std::uint64_t room = kMostPerRound;
  if (options_.datagrams != 0) room = std::min<std::uint64_t>(room, options_.datagrams - unanswered_.next());
  if (options_.window != 0) {
    room = std::min<std::uint64_t>(
        room, options_.window - std::min<std::size_t>(options_.window, unanswered_.waiting()));
  }
  if (options_.rate != 0) {
    const auto due = static_cast<std::uint64_t>(seconds_of(now - begin_) * options_.rate) + 1;
    room = std::min(room, due - std::min(due, unanswered_.next()));
  }
  return static_cast<std::size_t>(room);
}

/// What follows the head: of one length, or of one that only the number tells.
Bytes UdpLoad::filler_of(std::uint64_t number) const {
  if (!options_.mixed) return filler_;
  const std::uint64_t scattered = number * kScatter >> 32;
  return Bytes{filler_}.first(scattered % (filler_.size() + 1));
}

Result<void> UdpLoad::send(std::size_t count) {
  refused_ = false;
  while (count > 0 && !refused_) {
    const auto sent = send_of_one_client(std::min(count, kBatch));
    if (!sent) return sent.error();
    count -= *sent;
  }
  return {};
}

/// The sessions of one socket stand side by side, and a load of one session has only that.
Result<std::size_t> UdpLoad::send_of_one_client(std::size_t most) {
  const Client& client = clients_[unanswered_.session_of(unanswered_.next()) / options_.ports];
  for (std::size_t i = 0; i < most; ++i) {
    const std::uint64_t number = unanswered_.next() + i;
    const std::uint32_t session = unanswered_.session_of(number);
    if (session / options_.ports != client.first_session() / options_.ports) break;
    heads_[i] = encode(DatagramHead{.run = run_, .session = session, .number = number});
    batch_.add(targets_[session % options_.ports], nullptr, heads_[i], filler_of(number));
  }
  const std::size_t wanted = batch_.size();
  const Time now = Clock::now();
  const std::size_t sent = batch_.send(client.fd());
  refused_ = sent < wanted;
  if (refused_ && errno != EAGAIN && errno != ENOBUFS) return system_error("send", errno);
  unanswered_.sent(sent, now);
  return sent;
}

void UdpLoad::receive(const Client& client) {
  const std::size_t count = received_.receive(client.fd());
  if (count == 0) return;
  const Time now = Clock::now();
  for (std::size_t i = 0; i < count; ++i) take(client, i, now);
}

void UdpLoad::take(const Client& client, std::size_t index, Time now) {
  UdpCounts& counts = unanswered_.counts();
  const Bytes datagram = received_.bytes(index);
  const auto head = decode_datagram_head(datagram);
  if (!head || head->run != run_) {
    ++counts.stray;
    return;
  }
  const Endpoint from =
      Endpoint::from_sockaddr(reinterpret_cast<const sockaddr*>(&received_.peer(index).address));
  const std::uint32_t port = std::uint32_t{from.port} - options_.connect.port;
  if (from.address != options_.connect.address || port >= options_.ports ||
      head->session != client.first_session() + port ||
      head->session != unanswered_.session_of(head->number)) {
    ++counts.misrouted;
  } else if (!std::ranges::equal(datagram.subspan(kDatagramHeadSize), filler_of(head->number))) {
    ++counts.damaged;
  } else {
    unanswered_.answered(head->number, now);
    last_answer_ = now;
  }
}

/// Until then only an answer can give us something to do.
Time UdpLoad::next_look(Time now) const {
  if (refused_) return now + kRefused;
  if (options_.rate != 0) return now + kTick;
  if (may_send(now) > 0) return now;
  return unanswered_.waiting() > 0 ? unanswered_.oldest() + kPatienceForAnswer : now;
}

Result<void> UdpLoad::send_until(Time end) {
  for (Time now = begin_; now < end && !all_sent(); now = Clock::now()) {
    unanswered_.give_up(now - kPatienceForAnswer);
    if (auto sent = send(may_send(now)); !sent) return sent;
    if (!poller_.wait(std::min(next_look(now), end))) return error(Errc::kUnavailable, "stopped by a signal");
  }
  return {};
}

Result<void> UdpLoad::await_rest() {
  while (unanswered_.waiting() > 0) {
    if (!poller_.wait(unanswered_.oldest() + kPatienceForAnswer)) {
      return error(Errc::kUnavailable, "stopped by a signal");
    }
    unanswered_.give_up(Clock::now() - kPatienceForAnswer);
  }
  return {};
}

bool UdpLoad::print() const {
  const UdpCounts& counts = unanswered_.counts();
  const double taken = std::max(seconds_of(last_answer_ - begin_), 1e-9);
  Report report{"done"};
  report.add("sessions", options_.sessions).add("size", options_.size);
  report.add("sent", counts.sent).add("answered", counts.answered).add("lost", counts.sent - counts.answered);
  report.add("late", counts.late).add("reordered", counts.reordered).add("duplicates", counts.duplicates);
  report.add("misrouted", counts.misrouted).add("damaged", counts.damaged).add("stray", counts.stray);
  report.add("seconds", taken).add("per_second", static_cast<double>(counts.answered) / taken);
  report.add(unanswered_.round_trips()).print();
  return counts.misrouted == 0 && counts.damaged == 0;
}

Result<bool> UdpLoad::run() {
  if (std::uint32_t{options_.connect.port} + options_.ports > 65536) {
    return error(Errc::kInvalid, "--ports leads beyond port 65535");
  }
  if (auto opened = open_all(); !opened) return opened.error();
  name_targets();
  begin_ = last_answer_ = Clock::now();
  if (auto sent = send_until(begin_ + std::chrono::seconds{options_.seconds}); !sent) return sent.error();
  if (auto awaited = await_rest(); !awaited) return awaited.error();
  return print();
}

}  // namespace

Result<bool> run_udp_load(const Options& options) {
  return UdpLoad{options}.run();
}

}  // namespace penstock::flowload
