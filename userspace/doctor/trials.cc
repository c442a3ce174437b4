// What is tried in a network namespace of its own, which ends with the thread that is in it.
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <thread>

#include "base/file_descriptor.h"
#include "bpf/bpf_trial.h"
#include "doctor/examination.h"
#include "host/steering_device.h"
#include "host/tap_device.h"
#include "host/tap_writer.h"

namespace penstock::doctor {
namespace {

constexpr std::uint16_t kSegment = 64;  // bytes
constexpr std::uint16_t kPort = 9;      // discard

Trial trial_of(const Result<void>& done) {
  return done ? Trial::good() : Trial::failed(done.error().what);
}

Result<void> start_loopback() {
  const FileDescriptor socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (!socket) return system_error("cannot open a socket", errno);
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP;
  if (::ioctl(socket.get(), SIOCSIFFLAGS, &request) == 0) return {};
  return system_error("cannot turn the loopback device on", errno);
}

IpAddress after(const IpAddress& network, std::uint32_t steps) {
  const auto bytes = network.v4_bytes();
  std::uint32_t number = 0;
  for (const std::uint8_t byte : bytes) number = number << 8 | byte;
  return IpAddress::v4(number + steps);
}

Result<FileDescriptor> socket_at(const IpAddress& address) {
  FileDescriptor socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (!socket) return system_error("cannot open a socket", errno);
  sockaddr_storage to{};
  const socklen_t length = Endpoint{address, 0}.to_sockaddr(to);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&to), length) == 0) return socket;
  return system_error("cannot bind to " + address.to_string(), errno);
}

/// Two segments in one call, along a device that computes no checksums.
Result<void> send_segments(const IpAddress& from, const IpAddress& to) {
  const auto socket = socket_at(from);
  if (!socket) return socket.error();
  std::array<std::byte, 2 * kSegment> payload{};
  iovec part{payload.data(), payload.size()};
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof kSegment)> control{};
  sockaddr_storage name{};
  msghdr message{};
  message.msg_namelen = Endpoint{to, kPort}.to_sockaddr(name);
  message.msg_name = &name;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* const segment = CMSG_FIRSTHDR(&message);
  segment->cmsg_level = SOL_UDP;
  segment->cmsg_type = UDP_SEGMENT;
  segment->cmsg_len = CMSG_LEN(sizeof kSegment);
  std::memcpy(CMSG_DATA(segment), &kSegment, sizeof kSegment);
  if (::sendmsg(socket->get(), &message, 0) == static_cast<ssize_t>(payload.size())) return {};
  return system_error("sendmsg with UDP_SEGMENT", errno);
}

Result<void> turn_on_joining(const IpAddress& at) {
  const auto socket = socket_at(at);
  if (!socket) return socket.error();
  const int on = 1;
  if (::setsockopt(socket->get(), SOL_UDP, UDP_GRO, &on, sizeof on) == 0) return {};
  return system_error("setsockopt UDP_GRO", errno);
}

/// Two frames of nobody, with one call.
Result<void> write_together(FileDescriptor tap) {
  const std::array<std::byte, 60> frame{};
  const std::array<TapWriter::Frame, 2> both{{{.head = frame, .body = {}}, {.head = frame, .body = {}}}};
  TapWriter writer{std::move(tap)};
  const TapWriter::Written written = writer.write(both);
  if (written.error) return Error{written.error, "cannot write to the device"};
  if (writer.calls() == 1) return {};
  return error(Errc::kUnavailable, "io_uring is not permitted");
}

void try_tap(const std::string& name, HostFacts& facts) {
  auto tap = make_tap_device(name);
  facts.tap = tap ? Trial::good() : Trial::failed(tap.error().what);
  if (tap) facts.tap_batches = trial_of(write_together(std::move(tap->file)));
}

void try_all(const Config& config, HostFacts& facts) {
  if (::unshare(CLONE_NEWNET) != 0) {
    facts.device.why = system_error("cannot make a network namespace", errno).what;
    return;
  }
  const SteeringConfig& steering = config.steering;
  const SteeringDeviceOptions options{.near = steering.device + "0",
                                      .far = steering.device + "1",
                                      .steering_address = after(steering.network, 2),
                                      .network = steering.network,
                                      .network_bits = steering.network_bits};
  if (const auto up = start_loopback(); !up) facts.device = Trial::failed(up.error().what);
  if (facts.device.fails()) return;
  const auto device = open_steering_device(options);
  facts.device = device ? Trial::good() : Trial::failed(device.error().what);
  facts.sk_lookup = trial_of(try_sk_lookup());
  if (!device) return;
  facts.native = trial_of(try_xdp(device->far_index, XdpMode::kNative));
  facts.generic = trial_of(try_xdp(device->far_index, XdpMode::kGeneric));
  facts.segments_unsummed = trial_of(send_segments(options.steering_address, after(steering.network, 1)));
  facts.joins_received = trial_of(turn_on_joining(options.steering_address));
  try_tap(steering.device + "2", facts);
}

}  // namespace

void try_in_namespace(const Config& config, HostFacts& facts) {
  std::thread{[&] { try_all(config, facts); }}.join();
}

}  // namespace penstock::doctor
