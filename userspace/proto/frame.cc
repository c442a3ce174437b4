#include "proto/frame.h"

#include <algorithm>
#include <array>
#include <cstdlib>

namespace penstock {
namespace {

using namespace wire;

/// What the form of a frame must be. `tunnel`: it belongs to the tunnel itself, and so to stream 0.
struct Form {
  std::string_view name;
  bool tunnel = false;
  std::uint32_t least = 0;  // bytes of payload
  std::uint32_t most = 0;
};

/// By type; the table of wire/tunnel.md, which a test compares with this one.
constexpr std::array<Form, 0x16> kForms{{
    {},
    {"OPEN", false, 0, kMaxOpen},
    {"DATA", false, 0, kMaxPayload},
    {"CLOSE", false, 0, 0},
    {"DATA_BACK", false, 0, kMaxPayload},
    {"CLOSE_BACK", false, 0, 0},
    {"CONFIG", true, 0, kMaxJson},
    {"PING", true, 0, kMaxPing},
    {"PONG", true, 0, kMaxPing},
    {"WINDOW_UPDATE", false, 4, 4},
    {"WINDOW_UPDATE_BACK", false, 4, 4},
    {"UDP_OPEN", false, kMinUdpOpen, kMaxUdpOpen},
    {"UDP_DATA", false, 0, kMaxDatagram},
    {"UDP_DATA_BACK", false, 0, kMaxDatagram},
    {"UDP_CLOSE", false, 0, 0},
    {"RESET", false, 2, kMaxReset},
    {"HELLO", true, 0, kMaxHello},
    {"CONFIG_RESULT", true, 0, kMaxJson},
    {"REPORT", true, 0, kMaxJson},
    {"GOAWAY", true, 6, kMaxGoAway},
    {"UDP_OPEN_ACK", false, 0, 0},
    {"UDP_MOVE", false, kMinUdpOpen, kMaxUdpOpen},
}};

const Form* form_of(FrameType type) {
  const auto number = static_cast<std::size_t>(type);
  return number == 0 || number >= kForms.size() ? nullptr : &kForms[number];
}

/// Memory that is kept for what comes in pieces: datagrams of any size, which come often, cost none anew.
constexpr std::size_t kHeldForGood = 2 * kMaxDatagram;

/// What is wrong with the form of a frame; empty when nothing is.
std::string fault_in(const FrameHeader& header) {
  const Form* form = form_of(header.type);
  if (form == nullptr) {
    const auto number = static_cast<std::byte>(header.type);
    return "there is no frame type 0x" + to_hex({&number, 1});
  }
  if (form->tunnel && header.stream != 0) {
    return "it belongs to the tunnel, so to stream 0, and not to stream " + std::to_string(header.stream);
  }
  if (!form->tunnel && header.stream == 0) return "it needs a stream, and 0 is none";
  if (header.length < form->least) {
    return "a payload of " + std::to_string(header.length) + " bytes is shorter than " +
           std::to_string(form->least);
  }
  if (header.length > form->most) {
    return "a payload of " + std::to_string(header.length) + " bytes is longer than " +
           std::to_string(form->most);
  }
  return {};
}

}  // namespace

std::string_view name_of(FrameType type) {
  const Form* form = form_of(type);
  return form == nullptr ? "unknown" : form->name;
}

bool is_data(FrameType type) {
  return type == FrameType::kData || type == FrameType::kDataBack;
}

bool is_udp(FrameType type) {
  return (type >= FrameType::kUdpOpen && type <= FrameType::kUdpClose) || type == FrameType::kUdpOpenAck ||
         type == FrameType::kUdpMove;
}

void write_header(const FrameHeader& header, std::span<std::byte, wire::kHeaderSize> out) {
  store_u32(out.data(), header.stream);
  out[4] = static_cast<std::byte>(header.type);
  store_u32(out.data() + 5, header.length);
}

void append_frame(std::vector<std::byte>& out, std::uint32_t stream, FrameType type, Bytes payload) {
  std::array<std::byte, kHeaderSize> header;
  write_header({stream, type, static_cast<std::uint32_t>(payload.size())}, header);
  out.insert(out.end(), header.begin(), header.end());
  out.insert(out.end(), payload.begin(), payload.end());
}

void FrameReader::feed(Bytes bytes) {
  if (failed_) return;
  if (!input_.empty()) std::abort();
  input_ = bytes;
}

bool FrameReader::goes_on() const {
  return input_.size() > wire::kHeaderSize && load_u32(input_.data()) == header_.stream &&
         static_cast<FrameType>(input_[4]) == header_.type && is_data(header_.type);
}

Result<std::optional<FramePart>> FrameReader::next() {
  if (failed_) return *failed_;
  if (!in_frame_) {
    const Result<bool> begun = begin_frame();
    if (!begun) return begun.error();
    if (!*begun) return std::nullopt;
  }
  return is_data(header_.type) ? data_part() : control_frame();
}

std::string FrameReader::position() const {
  if (frames_ == 0) return "before the first frame";
  return std::string{name_of(header_.type)} + " frame #" + std::to_string(frames_) + " at offset " +
         std::to_string(frame_offset_);
}

/// False when the header is not whole yet.
Result<bool> FrameReader::begin_frame() {
  const std::optional<Bytes> head = gather(kHeaderSize);
  if (!head) return false;
  header_ = {load_u32(head->data()), static_cast<FrameType>((*head)[4]), load_u32(head->data() + 5)};
  ++frames_;
  frame_offset_ = offset_ - kHeaderSize;
  if (const std::string fault = fault_in(header_); !fault.empty()) return fail(fault);
  left_ = header_.length;
  in_frame_ = true;
  return true;
}

std::optional<FramePart> FrameReader::data_part() {
  const Bytes payload = take(left_);
  if (payload.empty() && left_ > 0) return std::nullopt;
  left_ -= static_cast<std::uint32_t>(payload.size());
  in_frame_ = left_ > 0;
  return FramePart{header_, payload, left_ == 0};
}

std::optional<FramePart> FrameReader::control_frame() {
  const std::optional<Bytes> payload = gather(header_.length);
  if (!payload) return std::nullopt;
  in_frame_ = false;
  return FramePart{header_, *payload, true};
}

/// `size` bytes in a row, or nothing until all have come. Copies only what comes in pieces, and grows by what
/// came.
std::optional<Bytes> FrameReader::gather(std::size_t size) {
  if (held_is_read_) {
    held_.clear();
    if (held_.capacity() > kHeldForGood)
      held_.shrink_to_fit();  // one large CONFIG shall not cost memory for good
    held_is_read_ = false;
  }
  if (held_.empty() && input_.size() >= size) return take(size);
  const Bytes piece = take(size - held_.size());
  held_.insert(held_.end(), piece.begin(), piece.end());
  if (held_.size() < size) return std::nullopt;
  held_is_read_ = true;
  return Bytes{held_};
}

Bytes FrameReader::take(std::size_t at_most) {
  const Bytes taken = input_.first(std::min(at_most, input_.size()));
  input_ = input_.subspan(taken.size());
  offset_ += taken.size();
  return taken;
}

Error FrameReader::fail(std::string_view why) {
  input_ = {};
  failed_ = error(Errc::kProtocol, position() + ": " + std::string{why});
  return *failed_;
}

}  // namespace penstock
