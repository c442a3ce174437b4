#include "flowload/bulk_server.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "flowload/bulk_wire.h"
#include "flowload/flow_server.h"
#include "flowload/socket.h"

namespace penstock::flowload {
namespace {

class BulkServerFlow final : public ServedFlow {
 public:
  BulkServerFlow(FileDescriptor fd, FlowServer& server) : server_{server}, fd_{std::move(fd)} {
    server_.poller().add(fd_.get(), EPOLLIN, *this);
  }

  void on_ready(std::uint32_t events) override {
    if (step_ == Step::kTrailer) return write_trailer();
    bool alive = true;
    if ((events & ~EPOLLOUT) != 0) alive = read();
    if (alive && step_ == Step::kRunning && (events & EPOLLOUT) != 0) write_payload();
  }

 private:
  enum class Step { kHeader, kReady, kRunning, kTrailer };

  /// False when the flow is over.
  bool read() {
    const MutableBytes into = step_ == Step::kRunning ? scratch() : MutableBytes{head_}.subspan(head_size_);
    const ssize_t count = recv(fd_.get(), into.data(), into.size(), 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    if (count == 0 && step_ == Step::kRunning) return finish();
    if (count <= 0) return fail();
    const auto size = static_cast<std::size_t>(count);
    if (step_ != Step::kRunning) return take_head(size);
    received_ += size;
    server_.received(size);
    return true;
  }

  /// The head is the header, then, after our answer, the byte that starts the load.
  bool take_head(std::size_t size) {
    head_size_ += size;
    if (step_ == Step::kHeader && head_size_ >= kBulkHeaderSize) {
      auto header = decode_header(Bytes{head_}.first(kBulkHeaderSize));
      if (!header) return fail();
      if (header->bytes_per_second != 0) pace(fd_.get(), header->bytes_per_second);
      direction_ = header->direction;
      if (send(fd_.get(), &kBulkReady, 1, MSG_NOSIGNAL) != 1) return fail();
      step_ = Step::kReady;
    }
    if (head_size_ == head_.size()) start();
    return true;
  }

  void start() {
    step_ = Step::kRunning;
    if (has_down(direction_)) server_.poller().change(fd_.get(), EPOLLIN | EPOLLOUT, *this);
  }

  void write_payload() {
    const Bytes payload = bulk_payload();
    const ssize_t count = send(fd_.get(), payload.data(), payload.size(), MSG_NOSIGNAL);
    if (count < 0 && errno != EAGAIN && errno != EINTR) fail();
  }

  bool finish() {
    step_ = Step::kTrailer;
    trailer_ = encode_trailer(received_);
    server_.poller().change(fd_.get(), EPOLLOUT, *this);
    return true;
  }

  void write_trailer() {
    const Bytes rest = Bytes{trailer_}.subspan(trailer_sent_);
    const ssize_t count = send(fd_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count < 0) return server_.fail(*this);
    trailer_sent_ += static_cast<std::size_t>(count);
    if (trailer_sent_ == trailer_.size()) server_.end(*this);
  }

  bool fail() {
    server_.fail(*this);
    return false;
  }

  FlowServer& server_;
  FileDescriptor fd_;
  Step step_ = Step::kHeader;
  Direction direction_ = Direction::kUp;
  std::array<std::byte, kBulkHeaderSize + 1> head_{};
  std::size_t head_size_ = 0;
  std::uint64_t received_ = 0;
  std::array<std::byte, kBulkTrailerSize> trailer_{};
  std::size_t trailer_sent_ = 0;
};

}  // namespace

Result<bool> run_bulk_server(const Options& options) {
  FlowServer server{[](FileDescriptor fd, FlowServer& owner) {
    return std::make_unique<BulkServerFlow>(std::move(fd), owner);
  }};
  return server.run(options);
}

}  // namespace penstock::flowload
