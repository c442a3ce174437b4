#include "host/tap_writer.h"

#include <liburing.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace penstock {
namespace {

using Pieces = std::array<iovec, 2>;

iovec piece_of(Bytes bytes) {
  return {const_cast<std::byte*>(bytes.data()), bytes.size()};  // the interface has one type for both ways
}
Pieces pieces_of(const TapWriter::Frame& frame) {
  return {piece_of(frame.head), piece_of(frame.body)};
}

boost::system::error_code system_code(int number) {
  return {number, boost::system::system_category()};
}

}  // namespace

/// Frames are linked, so that the first one that fails cancels those behind it.
class TapWriter::Ring {
 public:
  /// Null when the host permits none.
  static std::unique_ptr<Ring> open(int tap);
  Ring() = default;
  ~Ring() {
    if (is_open_) ::io_uring_queue_exit(&ring_);
  }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  /// False when the ring takes nothing any more; then what it did not count in `written` was not tried.
  bool write(std::span<const Frame> frames, std::uint64_t& calls, Written& written);

 private:
  bool start(unsigned flags);
  void put(std::span<const Frame> frames);
  std::size_t collect(Written& written);

  io_uring ring_{};
  bool is_open_ = false;
  std::array<Pieces, kAtOnce> pieces_{};
};

std::unique_ptr<TapWriter::Ring> TapWriter::Ring::open(int tap) {
  auto made = std::make_unique<Ring>();
  constexpr unsigned kOwnThread =
      IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;  // from Linux 6.1 on
  if (!made->start(kOwnThread) && !made->start(0)) return nullptr;
  if (::io_uring_register_files(&made->ring_, &tap, 1) != 0) return nullptr;
  return made;
}

bool TapWriter::Ring::start(unsigned flags) {
  is_open_ = ::io_uring_queue_init(kAtOnce, &ring_, flags) == 0;
  return is_open_;
}

void TapWriter::Ring::put(std::span<const Frame> frames) {
  for (std::size_t i = 0; i < frames.size(); ++i) {
    pieces_[i] = pieces_of(frames[i]);
    io_uring_sqe* const entry = ::io_uring_get_sqe(&ring_);  // there is room: all before have completed
    ::io_uring_prep_writev(entry, 0, pieces_[i].data(), unsigned{std::tuple_size_v<Pieces>}, 0);
    entry->flags |= IOSQE_FIXED_FILE;
    if (i + 1 < frames.size()) entry->flags |= IOSQE_IO_LINK;
  }
}

/// Completions come in the order of the frames. Returns how many came.
std::size_t TapWriter::Ring::collect(Written& written) {
  std::size_t came = 0;
  unsigned head = 0;
  io_uring_cqe* entry = nullptr;
  io_uring_for_each_cqe(&ring_, head, entry) {
    ++came;
    if (written.error) continue;
    if (entry->res < 0) {
      written.error = system_code(-entry->res);
    } else {
      ++written.frames;
    }
  }
  ::io_uring_cq_advance(&ring_, static_cast<unsigned>(came));
  return came;
}

/// Returns when no frame is under way any more, since their bytes are the caller's. What is refused, is
/// refused as a whole.
bool TapWriter::Ring::write(std::span<const Frame> frames, std::uint64_t& calls, Written& written) {
  put(frames);
  for (std::size_t left = frames.size(); left > 0; left -= collect(written)) {
    ++calls;
    const int taken = ::io_uring_submit_and_wait(&ring_, static_cast<unsigned>(left));
    if (taken < 0 && taken != -EINTR) return false;
  }
  return true;
}

TapWriter::TapWriter(FileDescriptor tap) : tap_{std::move(tap)} {}
TapWriter::TapWriter(TapWriter&&) noexcept = default;
TapWriter::~TapWriter() = default;

TapWriter::Written TapWriter::write(std::span<const Frame> frames) {
  Written written;
  if (frames.size() > 1) {  // for one, a call of its own is the shortest way
    if (!std::exchange(asked_, true)) ring_ = Ring::open(tap_.get());
    if (ring_ != nullptr && !ring_->write(frames, calls_, written)) ring_.reset();
  }
  if (!written.error) write_one_by_one(frames, written);
  return written;
}

/// Those that are not written yet.
void TapWriter::write_one_by_one(std::span<const Frame> frames, Written& written) {
  while (written.frames < frames.size()) {
    const Pieces pieces = pieces_of(frames[written.frames]);
    ++calls_;
    const ssize_t bytes = ::writev(tap_.get(), pieces.data(), pieces.size());
    if (bytes >= 0) {
      ++written.frames;
    } else if (errno != EINTR) {
      written.error = system_code(errno);
      return;
    }
  }
}

}  // namespace penstock
