#include "tunnel/datagram_queue.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

namespace penstock {

bool DatagramQueue::push(FrameType type, std::uint32_t session, Bytes payload, LedgerLine& line) {
  if (payload.size() > wire::kMaxDatagram) return false;
  const auto size = static_cast<std::uint32_t>(payload.size());
  if (!reserve(
          {.line = &line, .bytes = static_cast<std::uint32_t>(wire::kHeaderSize) + size, .payload = size})) {
    return false;
  }
  put_frame(type, session, payload);
  return true;
}

bool DatagramQueue::push_open(std::uint32_t session, Bytes proxy_header, Bytes payload, LedgerLine& line) {
  if (payload.size() > wire::kMaxDatagram || proxy_header.size() > wire::kMaxUdpOpen) return false;
  const auto size = static_cast<std::uint32_t>(payload.size());
  const auto bytes = static_cast<std::uint32_t>(2 * wire::kHeaderSize + proxy_header.size()) + size;
  if (!reserve({.line = &line, .bytes = bytes, .payload = size})) return false;
  put_frame(FrameType::kUdpOpen, session, proxy_header);
  put_frame(FrameType::kUdpData, session, payload);
  return true;
}

bool DatagramQueue::push_bare(Bytes head, Bytes proxy_header, Bytes payload, LedgerLine& line) {
  if (payload.size() > wire::kMaxDatagram || proxy_header.size() > wire::kMaxUdpOpen) return false;
  const std::size_t bytes = head.size() + proxy_header.size() + payload.size();
  if (!reserve({.line = &line,
                .bytes = static_cast<std::uint32_t>(bytes),
                .payload = static_cast<std::uint32_t>(payload.size())})) {
    return false;
  }
  put(head);
  put(proxy_header);
  put(payload);
  return true;
}

/// Writes the entry when the frames that it announces fit behind it.
bool DatagramQueue::reserve(const Entry& entry) {
  if (sizeof entry + entry.bytes > limit_ - size_) return false;
  if (ring_ == nullptr) ring_.reset(new std::byte[limit_]);  // not cleared: only what is used costs memory
  put(std::as_bytes(std::span{&entry, 1}));
  entry.line->hold(entry.payload);
  return true;
}

void DatagramQueue::put_frame(FrameType type, std::uint32_t session, Bytes payload) {
  std::array<std::byte, wire::kHeaderSize> header;
  write_header({.stream = session, .type = type, .length = static_cast<std::uint32_t>(payload.size())},
               header);
  put(header);
  put(payload);
}

/// In two pieces where the ring's end lies between.
void DatagramQueue::put(Bytes bytes) {
  if (bytes.empty()) return;
  const std::size_t tail = (head_ + size_) % limit_;
  const std::size_t first = std::min(bytes.size(), limit_ - tail);
  std::memcpy(ring_.get() + tail, bytes.data(), first);
  std::memcpy(ring_.get(), bytes.data() + first, bytes.size() - first);
  size_ += bytes.size();
}

void DatagramQueue::get(MutableBytes into) {
  const std::size_t first = std::min(into.size(), limit_ - head_);
  std::memcpy(into.data(), ring_.get() + head_, first);
  std::memcpy(into.data() + first, ring_.get(), into.size() - first);
  skip(into.size());
}

void DatagramQueue::skip(std::size_t bytes) {
  size_ -= bytes;
  head_ = size_ == 0 ? 0 : (head_ + bytes) % limit_;  // a queue that runs empty uses the same few pages again
}

void DatagramQueue::begin_next() {
  get(std::as_writable_bytes(std::span{&front_, 1}));
  left_ = front_.bytes;
}

std::size_t DatagramQueue::next_size() {
  if (!empty() && left_ == 0) begin_next();
  return left_;
}

std::size_t DatagramQueue::take(MutableBytes into) {
  if (empty() || into.empty()) return 0;
  if (left_ == 0) begin_next();
  const std::size_t bytes = std::min(into.size(), left_);
  get(into.first(bytes));
  left_ -= bytes;
  if (left_ == 0) {
    front_.line->release(front_.payload);
    front_.line->send(front_.payload);
  }
  return bytes;
}

void DatagramQueue::drop_all(Reason reason) {
  while (!empty()) {
    if (left_ == 0) begin_next();
    skip(left_);
    left_ = 0;
    front_.line->release(front_.payload);
    front_.line->drop(reason, front_.payload);
  }
}

}  // namespace penstock
