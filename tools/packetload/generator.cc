#include "packetload/generator.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/file_descriptor.h"
#include "packetload.skel.h"

namespace penstock::packetload {
namespace {

constexpr std::uint32_t kHeaders = 14 + 20 + 8;
constexpr std::uint32_t kBatch = 256;  // frames between two looks of the kernel at its other work
constexpr int kAtOnce =
    1 << 20;  // frames of a run, due or not: its end takes the kernel tens of milliseconds

/// Addresses are in memory as they are on the wire.
std::uint32_t wire_word(const IpAddress& address) {
  std::uint32_t word = 0;
  std::memcpy(&word, address.v4_bytes().data(), sizeof word);
  return word;
}

Result<MacAddress> mac_of(const std::string& interface) {
  ifreq request{};
  if (interface.size() >= sizeof request.ifr_name)
    return error(Errc::kInvalid, "no interface has such a long name");
  interface.copy(request.ifr_name, interface.size());
  const FileDescriptor any{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (!any || ::ioctl(any.get(), SIOCGIFHWADDR, &request) != 0) return system_error(interface, errno);
  MacAddress mac{};
  std::memcpy(mac.data(), request.ifr_hwaddr.sa_data, mac.size());
  return mac;
}

using Plan = ::packetload::packetload__rodata;

/// All but what the interface tells.
void tell(Plan& plan, const Options& options) {
  std::ranges::copy(options.mac, plan.destination_mac);
  plan.destination = wire_word(options.connect.address);
  plan.destination_port = options.connect.port;
  plan.port_count = options.ports;
  std::ranges::transform(options.sources, plan.sources, wire_word);
  plan.source_count = static_cast<std::uint32_t>(std::max<std::size_t>(options.sources.size(), 1));
  if (options.random_sources) {
    plan.random_source = wire_word(options.random_sources->address);
    plan.random_bits = htonl(static_cast<std::uint32_t>(0xffffffffULL >> options.random_sources->bits));
    plan.strangers = options.sources.empty() ? UINT32_MAX : options.strangers;
  }
  plan.first_port = options.first_port;
  plan.session_count = options.sessions;
  plan.least_size = options.mixed ? kLeastSize : options.size;
  plan.rate = options.rate;
  plan.most = options.datagrams;
  plan.size_count = options.mixed ? options.size - kLeastSize + 1 : 1;
}

}  // namespace

Generator::Generator(struct ::packetload* program, const Options& options)
    : program_{program}, most_{options.datagrams}, frame_(kHeaders + options.size) {}

Generator::Generator(Generator&& other) noexcept
    : program_{std::exchange(other.program_, nullptr)}, most_{other.most_}, frame_{std::move(other.frame_)} {}

Generator::~Generator() {
  packetload__destroy(program_);
}

Result<Generator> Generator::load(const Options& options) {
  const auto mac = mac_of(options.interface);
  if (!mac) return mac.error();
  struct ::packetload* const opened = packetload__open();
  if (opened == nullptr) return system_error("cannot open the kernel program", errno);
  Generator generator{opened, options};
  tell(*opened->rodata, options);
  opened->rodata->out_interface = ::if_nametoindex(options.interface.c_str());
  std::ranges::copy(*mac, opened->rodata->source_mac);
  if (packetload__load(opened) != 0) return system_error("the kernel refused the program", errno);
  return generator;
}

Result<void> Generator::send_until(Time end, const volatile std::sig_atomic_t& stop) {
  program_->bss->end = static_cast<std::uint64_t>(std::chrono::nanoseconds{end.time_since_epoch()}.count());
  while (stop == 0 && Clock::now() < end && (most_ == 0 || made() < most_)) {
    if (auto done = run(); !done) return done;
  }
  return {};
}

Result<void> Generator::run() {
  xdp_md context{};
  context.data_end = static_cast<std::uint32_t>(frame_.size());
  LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame_.data(), .data_size_in = context.data_end,
              .ctx_in = &context, .ctx_size_in = sizeof context, .repeat = kAtOnce,
              .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = kBatch);
  const int failed = ::bpf_prog_test_run_opts(::bpf_program__fd(program_->progs.packetload), &run);
  if (failed != 0 && failed != -EINTR) return system_error("the kernel did not run the program", -failed);
  return {};
}

Result<std::vector<std::byte>> Generator::make() {
  std::vector<std::byte> out(frame_.size());
  LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame_.data(), .data_out = out.data(),
              .data_size_in = static_cast<std::uint32_t>(frame_.size()),
              .data_size_out = static_cast<std::uint32_t>(out.size()), .repeat = 1);
  const int failed = ::bpf_prog_test_run_opts(::bpf_program__fd(program_->progs.packetload), &run);
  if (failed != 0) return system_error("the kernel did not run the program", -failed);
  if (run.retval != XDP_REDIRECT) return error(Errc::kUnavailable, "the program did not make a frame");
  out.resize(run.data_size_out);
  return out;
}

std::uint64_t Generator::made() const {
  return program_->bss->made;
}

std::uint64_t Generator::made_of_sessions() const {
  const std::uint64_t strangers = program_->rodata->strangers;
  return strangers == UINT32_MAX ? 0 : (made() + strangers) / (strangers + 1);
}

}  // namespace penstock::packetload
