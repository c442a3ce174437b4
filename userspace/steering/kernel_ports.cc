#include "steering/kernel_ports.h"

#include <sys/socket.h>

#include <atomic>
#include <cerrno>

#include "host/addresses.h"
#include "net/plain_socket.h"
#include "steering/abi_values.h"

namespace penstock {
namespace {

/// Whether another program has the port: then binding fails, as it would without kernel programs.
Result<void> try_bind(const Endpoint& on, bool udp) {
  auto socket = make_socket(on, udp ? SOCK_DGRAM : SOCK_STREAM);
  if (!socket) return socket.error();
  // Connections of ours that linger, and spare sockets of ours, are no other program.
  set_option(socket->get(), SOL_SOCKET, udp ? SO_REUSEPORT : SO_REUSEADDR, 1);
  if (bind_socket(*socket, on)) return {};
  return system_error((udp ? "cannot bind UDP " : "cannot bind TCP ") + on.to_string(), errno);
}

void store(pst_port& port, __u16 pst_port::*field, __u16 value) {
  std::atomic_ref<__u16>{port.*field}.store(value, std::memory_order_release);
}

}  // namespace

class KernelPorts::OpenPort final : public Pending {
 public:
  OpenPort(KernelPorts& owner, const Endpoint& on, bool udp) : owner_{owner}, on_{on}, udp_{udp} {}
  ~OpenPort() override { owner_.close(on_, udp_); }

 private:
  KernelPorts& owner_;
  const Endpoint on_;
  const bool udp_;
};

/// What an earlier process left open is closed until this one opens it.
KernelPorts::KernelPorts(Ports ports, Addresses addresses, const Settings& settings)
    : ports_{std::move(ports)}, addresses_{std::move(addresses)}, settings_{settings} {
  for (std::uint32_t index = 0; index < ports_.size(); ++index)
    store(ports_[index], &pst_port::use, PST_PORT_FREE);
  if (const auto old = addresses_.keys(addresses_.raw().capacity())) {
    for (const pst_address& address : *old) published_[from_abi(address)] = 0;
  }
  refresh_addresses();
}

Result<std::unique_ptr<Pending>> KernelPorts::open(const Endpoint& on, bool udp) {
  const auto free = try_bind(on, udp);
  if (!free) return free.error();
  ++endpoints_[index_of(on.port, udp)];
  if (++binds_[on.address] == 1) update_binds();
  store(ports_[index_of(on.port, udp)], &pst_port::use, PST_PORT_PUBLIC);
  return std::unique_ptr<Pending>{std::make_unique<OpenPort>(*this, on, udp)};
}

void KernelPorts::close(const Endpoint& on, bool udp) {
  const std::uint32_t index = index_of(on.port, udp);
  if (--endpoints_[index] == 0) {
    endpoints_.erase(index);
    store(ports_[index], &pst_port::use, PST_PORT_FREE);
  }
  if (--binds_[on.address] == 0) {
    binds_.erase(on.address);
    update_binds();
  }
}

void KernelPorts::set_service(std::uint16_t port, bool udp, std::uint16_t service) {
  store(ports_[index_of(port, udp)], &pst_port::service, service);
}

std::uint16_t KernelPorts::service(std::uint16_t port, bool udp) {
  return std::atomic_ref<__u16>{ports_[index_of(port, udp)].service}.load(std::memory_order_relaxed);
}

void KernelPorts::claim_source(std::uint16_t port, std::uint16_t lane) {
  pst_port& claimed = ports_[PST_UDP_PORT(std::uint32_t{port})];
  if (std::atomic_ref<__u16>{claimed.use}.load(std::memory_order_relaxed) != PST_PORT_FREE) return;
  store(claimed, &pst_port::service, lane);
  store(claimed, &pst_port::use, PST_PORT_SOURCE);
}

Result<void> KernelPorts::share_among(std::uint16_t lanes) {
  auto settings = settings_.lookup(0);
  if (!settings) return settings.error();
  (*settings)->edge_lanes = lanes;
  return settings_.update(0, **settings);
}

void KernelPorts::update_binds() {
  auto settings = settings_.lookup(0);
  if (!settings) return;
  (*settings)->any_v4 = binds_.contains(IpAddress::v4(0)) ? 1 : 0;
  (*settings)->any_v6 = binds_.contains(IpAddress{}) ? 1 : 0;
  static_cast<void>(settings_.update(0, **settings));
  refresh_addresses();
}

void KernelPorts::refresh_addresses() {
  const auto own = host_addresses();
  if (!own) return;
  std::map<IpAddress, std::uint32_t> wanted;
  for (const HostAddress& each : *own) wanted[each.address] |= PST_ADDRESS_OWN;
  for (auto& [address, flags] : wanted) {
    const IpAddress all = address.is_v4() ? IpAddress::v4(0) : IpAddress{};
    if (binds_.contains(address) || binds_.contains(all)) flags |= PST_ADDRESS_BIND;
  }
  for (const auto& [address, flags] : published_) {
    if (!wanted.contains(address)) static_cast<void>(addresses_.erase(to_abi(address)));
  }
  for (const auto& [address, flags] : wanted) {
    const auto known = published_.find(address);
    if (known == published_.end() || known->second != flags)
      static_cast<void>(addresses_.update(to_abi(address), flags));
  }
  published_ = std::move(wanted);
}

}  // namespace penstock
