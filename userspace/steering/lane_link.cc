#include "steering/lane_link.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/internet_sum.h"
#include "penstock/abi/frame.h"

namespace penstock {
namespace {

/// What is read before other work of the loop gets its turn: the batch that reaches it is the last.
constexpr std::size_t kTurn = 256;
constexpr std::size_t kBatch = 64;

/// As a frame to the steering socket would be: a view of the record.
Bytes frame_in(Bytes record, const pst_frame_kept& kept) {
  return record.subspan(offsetof(pst_frame_kept, id), sizeof kept.id + kept.length);
}

bool is_whole(Bytes payload, std::uint16_t expected) {
  if (expected == 0) return true;
  const std::uint16_t sum = internet_sum(payload);
  return sum == expected || (sum == 0 && expected == 0xffff);
}

/// What the link has while it is read from.
class State final : public UdpReadiness::Reader, public std::enable_shared_from_this<State> {
 public:
  State(std::shared_ptr<UdpReadiness> readiness, LaneLinkParts parts, UdpObserver& observer)
      : readiness_{std::move(readiness)}, parts_{std::move(parts)}, observer_{&observer} {
    readiness_->add(parts_.ring.fd(), *this);
  }

  void close() {
    observer_ = nullptr;
    readiness_->remove(*this);
  }

  std::size_t on_readable() override;
  UdpSent write(std::span<const TapWriter::Frame> frames);

 private:
  std::size_t read_batch();

  const std::shared_ptr<UdpReadiness> readiness_;
  LaneLinkParts parts_;
  UdpObserver* observer_;  // nothing once it is closed
  std::array<ReceivedDatagram, kBatch> batch_;
};

std::size_t State::on_readable() {
  const auto kept = shared_from_this();
  std::size_t all = 0;
  while (all < kTurn) {
    const std::size_t read = read_batch();
    all += read;
    if (read < kBatch || observer_ == nullptr) break;
  }
  return all;
}

/// Returns how many were read. The ring has room for more only when they have been handled.
std::size_t State::read_batch() {
  std::size_t good = 0;
  std::size_t damaged = 0;
  while (good + damaged < kBatch && observer_ != nullptr) {
    const Bytes record = parts_.ring.next();
    if (record.empty()) break;
    pst_frame_kept kept{};
    std::memcpy(&kept, record.data(), sizeof kept);
    const Bytes frame = frame_in(record, kept);
    if (is_whole(record.subspan(sizeof kept, kept.length), kept.sum)) {
      batch_[good++] = {.peer = parts_.virtual_end, .local = {}, .payload = frame, .local_port = 0};
    } else {
      ++damaged;
      observer_->on_damaged(frame.size());
    }
  }
  parts_.traffic->in.add(good);
  if (good > 0 && observer_ != nullptr) observer_->on_datagrams(std::span{batch_}.first(good));
  parts_.ring.release();
  return good + damaged;
}

UdpSent State::write(std::span<const TapWriter::Frame> frames) {
  const std::uint64_t before = parts_.tap.calls();
  const TapWriter::Written written = parts_.tap.write(frames);
  parts_.traffic->out_calls.add(parts_.tap.calls() - before);
  parts_.traffic->out.add(written.frames);
  return {written.frames, written.error};
}

class LaneLink final : public UdpSocket {
 public:
  LaneLink(std::shared_ptr<State> state, const Endpoint& local) : local_{local}, state_{std::move(state)} {}
  ~LaneLink() override { state_->close(); }
  LaneLink(const LaneLink&) = delete;
  LaneLink& operator=(const LaneLink&) = delete;

  const Endpoint& local() const override { return local_; }
  UdpSent send(std::span<const OutgoingDatagram> batch) override;
  void wait_for_room(std::chrono::milliseconds /*most*/) override {}
  void poll() override { state_->on_readable(); }

 private:
  const Endpoint local_;
  std::array<pst_frame_written, TapWriter::kAtOnce> heads_{};
  std::array<TapWriter::Frame, TapWriter::kAtOnce> frames_;
  const std::shared_ptr<State> state_;  // shared with the read under way, in which the link may be destroyed
};

UdpSent LaneLink::send(std::span<const OutgoingDatagram> batch) {
  UdpSent all;
  while (all.sent < batch.size() && !all.error) {
    const auto part = batch.subspan(all.sent, std::min(batch.size() - all.sent, frames_.size()));
    for (std::size_t i = 0; i < part.size(); ++i) {
      std::memcpy(&heads_[i].frame, part[i].header.data(), sizeof heads_[i].frame);
      heads_[i].sum = internet_sum(part[i].payload);
      frames_[i] = {.head = std::as_bytes(std::span{&heads_[i], 1}), .body = part[i].payload};
    }
    const UdpSent outcome = state_->write(std::span{frames_}.first(part.size()));
    all = {all.sent + outcome.sent, outcome.error};
  }
  return all;
}

}  // namespace

std::unique_ptr<UdpSocket> BoundLaneLink::attach(std::shared_ptr<UdpReadiness> readiness,
                                                 UdpObserver& observer) {
  return std::make_unique<LaneLink>(
      std::make_shared<State>(std::move(readiness), std::move(parts_), observer), local);
}

}  // namespace penstock
