#include "sim/scripted_peer.h"

#include <array>

namespace penstock {

ScriptedPeer::ScriptedPeer(std::unique_ptr<Link> link, bool frames)
    : link_{std::move(link)}, framed_{frames} {
  link_->observe(this);
  link_->await_readable();
}

void ScriptedPeer::send(std::string_view text) {
  out_ += text;
  write();
}

void ScriptedPeer::send(std::uint32_t stream, FrameType type, std::string_view payload) {
  std::vector<std::byte> frame;
  append_frame(frame, stream, type, as_bytes(payload));
  send(as_text(frame));
}

void ScriptedPeer::write() {
  if (out_.empty() || gone()) return;
  const IoResult result = link_->write(as_bytes(out_), false);
  out_.erase(0, result.bytes);
  if (result.status == IoStatus::kFailed) {
    reset_ = true;
  } else if (!out_.empty()) {
    link_->await_writable();
  }
}

void ScriptedPeer::on_readable() {
  std::array<std::byte, 65536> buffer{};
  while (reads_ && link_ != nullptr) {
    const IoResult result = link_->read(buffer);
    received_ += result.bytes;
    if (result.bytes > 0) take(Bytes{buffer}.first(result.bytes));
    if (result.status == IoStatus::kBlocked) return link_->await_readable();
    ended_ = result.status == IoStatus::kEnd;
    reset_ = result.status == IoStatus::kFailed;
    if (gone()) return;
  }
}

void ScriptedPeer::take(Bytes bytes) {
  while (!line_whole_ && !bytes.empty()) {
    line_whole_ = bytes.front() == std::byte{'\n'};
    if (!line_whole_) line_ += as_text(bytes.first(1));
    bytes = bytes.subspan(1);
  }
  if (!framed_) {
    text_ += as_text(bytes);
    return;
  }
  reader_.feed(bytes);
  for (auto part = reader_.next(); part.value(); part = reader_.next()) {
    if (!in_frame_) frames_.push_back({(*part)->header, {}});
    frames_.back().payload += as_text((*part)->payload);
    in_frame_ = !(*part)->last;
  }
}

std::vector<ScriptedFrame> ScriptedPeer::frames(FrameType type) const {
  std::vector<ScriptedFrame> out;
  for (const ScriptedFrame& frame : frames_) {
    if (frame.header.type == type) out.push_back(frame);
  }
  return out;
}

std::vector<ScriptedFrame> ScriptedPeer::frames(FrameType type, std::uint32_t stream) const {
  auto out = frames(type);
  std::erase_if(out, [&](const ScriptedFrame& frame) { return frame.header.stream != stream; });
  return out;
}

std::string ScriptedPeer::data(std::uint32_t stream) const {
  std::string out;
  for (const ScriptedFrame& frame : frames_) {
    if (is_data(frame.header.type) && frame.header.stream == stream) out += frame.payload;
  }
  return out;
}

std::uint64_t ScriptedPeer::granted(FrameType type, std::uint32_t stream) const {
  std::uint64_t sum = 0;
  for (const ScriptedFrame& frame : frames(type, stream)) sum += load_u32(as_bytes(frame.payload).data());
  return sum;
}

GoAwayMessage ScriptedPeer::go_away() const {
  const auto all = frames(FrameType::kGoAway);
  return all.empty() ? GoAwayMessage{} : parse_go_away(as_bytes(all.back().payload)).value();
}

ResetMessage ScriptedPeer::reset(std::uint32_t stream) const {
  const auto all = frames(FrameType::kReset, stream);
  return all.empty() ? ResetMessage{.reason = PST_R_COMPLETED, .text = {}}
                     : parse_reset(as_bytes(all.back().payload)).value();
}

void ScriptedHost::dial(const Endpoint& to) {
  dial_ = network_.dial(to, [this](Result<std::unique_ptr<Connection>> connection) {
    if (connection) on_connection(std::move(*connection));
  });
}

void ScriptedHost::on_connection(std::unique_ptr<Connection> connection) {
  peers_.push_back(std::make_unique<ScriptedPeer>(network_.attach(std::move(connection), {}), frames_));
}

}  // namespace penstock
