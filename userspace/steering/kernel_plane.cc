#include "steering/kernel_plane.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/text.h"
#include "host/bound_ports.h"
#include "host/bpffs.h"
#include "steering/abi_values.h"
#include "steering/outer_filters.h"
#include "steering/tcp_listeners.h"

namespace penstock {
namespace {

/// Longest IP packet on the steering device: the longest that there is, so that nothing is cut up there.
constexpr std::uint32_t kDeviceMtu = 65'535;
constexpr std::uint32_t kLocalHop = KernelHops::kLocal;

std::string version_folder(const std::string& pins) {
  return pins + "/v" + std::to_string(PST_ABI_VERSION);
}

IpAddress offset(const IpAddress& network, std::uint32_t by) {
  const auto bytes = network.v4_bytes();
  std::uint32_t value = 0;
  for (const std::uint8_t byte : bytes) value = value << 8 | byte;
  return IpAddress::v4(value + by);
}

std::uint32_t hosts_in(const KernelPlaneOptions& options) {
  return 1U << (32 - options.network_bits);
}

SteeringDeviceOptions device_options(const KernelPlaneOptions& options) {
  return {.near = options.device + "0",
          .far = options.device + "1",
          .mtu = kDeviceMtu,
          .steering_address = offset(options.network, 1),
          .network = options.network,
          .network_bits = options.network_bits};
}

std::uint32_t slots_of(const KernelPlaneOptions& options) {
  const std::uint32_t roles = (options.edge_lanes > 0 ? 1 : 0) + (options.hub_lanes > 0 ? 1 : 0);
  return std::min(roles * options.sessions, PST_SLOTS);
}

/// Two for a session that the programs forward in both directions themselves.
std::uint32_t paths_of(const KernelPlaneOptions& options) {
  return options.direct ? 2 * slots_of(options) : slots_of(options);
}

/// Whether it is a node's: others may have theirs in the same filesystem.
bool has_version(const std::filesystem::path& folder) {
  std::error_code ignored;
  const std::filesystem::directory_iterator entries{folder, ignored};
  return std::any_of(begin(entries), end(entries), [](const auto& entry) {
    const std::string name = entry.path().filename().string();
    return name.size() > 1 && name[0] == 'v' && name.find_first_not_of("0123456789", 1) == std::string::npos;
  });
}

/// Names of other nodes that have pins there: "a, b"; empty: none.
std::string nodes_beside(const std::filesystem::path& own) {
  std::string out;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator{own.parent_path(), ignored}) {
    if (entry.path() != own && has_version(entry.path()))
      out += (out.empty() ? "" : ", ") + entry.path().filename().string();
  }
  return out;
}

/// Of the lower half, which leads to the steering device; the first two are the network's and ours.
IpAddress random_virtual_address(const KernelPlaneOptions& options) {
  return offset(options.network, 2 + static_cast<std::uint32_t>(random_u64() % (hosts_in(options) / 2 - 2)));
}

}  // namespace

/// What makes a role's steering on its workers.
class KernelPlane::Maker final : public SteeringMaker {
 public:
  Maker(KernelPlane& plane, KernelSteering::Side side, std::uint16_t first_lane, std::uint32_t first_slot)
      : plane_{plane}, side_{side}, first_lane_{first_lane}, first_slot_{first_slot} {}
  std::unique_ptr<Steering> make(unsigned worker, Network& network, SessionTable& table,
                                 SteeringObserver& observer) override {
    return plane_.make(static_cast<std::uint16_t>(first_lane_ + worker), side_, network, table, observer);
  }
  std::uint32_t first_slot() const override { return first_slot_; }

 private:
  KernelPlane& plane_;
  const KernelSteering::Side side_;
  const std::uint16_t first_lane_;
  const std::uint32_t first_slot_;
};

KernelPlane::~KernelPlane() = default;

Result<std::unique_ptr<KernelPlane>> KernelPlane::open(const KernelPlaneOptions& options) {
  std::unique_ptr<KernelPlane> plane{new KernelPlane{options}};
  auto opened = plane->open_all();
  if (opened) return plane;
  if (options.give_up || !plane->found_before_) plane->give_up();
  return std::move(opened.error()).within("kernel steering");
}

Result<void> KernelPlane::open_all() {
  for (const auto step : {&KernelPlane::prepare, &KernelPlane::choose_interfaces, &KernelPlane::load,
                          &KernelPlane::open_maps, &KernelPlane::open_sockets, &KernelPlane::attach}) {
    auto done = (this->*step)();
    if (!done) return done;
  }
  objects_.clear();  // what is attached and pinned stays
  return {};
}

/// Nothing may be handed to a process that does not take it, and what does not start leaves nothing. A device
/// that was there may be another node's.
void KernelPlane::give_up() {
  if (!folder_.empty()) static_cast<void>(remove_pins(folder_));
  if (device_.near_index != 0 && !device_.adopted)
    static_cast<void>(remove_steering_device(device_options(options_)));
}

// ---------------------------------------------------------------------------------------------- to open

Result<void> KernelPlane::prepare() {
  if (lanes_wanted() > PST_LANES)
    return error(Errc::kLimit, "more workers than the programs have lanes: node.workers");
  folder_ = version_folder(options_.pins);
  auto mounted = ensure_bpffs(std::filesystem::path{options_.pins}.parent_path());
  if (!mounted) return mounted;
  found_before_ = ::access(folder_.c_str(), F_OK) == 0;
  for (const std::string& folder : {options_.pins, folder_}) {
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
      return system_error("cannot make the folder " + folder, errno);
  }
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator{options_.pins, ignored}) {
    if (entry.path() != folder_)
      return error(Errc::kExists, entry.path().string() + " is of another version: penstockctl detach");
  }
  auto device = open_steering_device(device_options(options_));
  if (!device) return device.error();
  device_ = *device;
  auto monitor = NetworkMonitor::open();
  if (!monitor) return monitor.error();
  monitor_.emplace(std::move(*monitor));
  return {};
}

Result<void> KernelPlane::choose_interfaces() {
  auto chosen = choose_outer_interfaces(options_.interfaces, options_.device);
  if (!chosen) return chosen.error();
  outer_ = std::move(*chosen);
  return {};
}

/// Maps are as large as the limits were when they were made: with others, what they hold is given up.
Result<void> KernelPlane::forget_other_sizes(std::uint32_t sessions, std::uint32_t paths) const {
  if (::access(pin("pst_sessions").c_str(), F_OK) != 0) return {};
  const auto slots = RawBpfMap::open(pin("pst_sessions"), sizeof(std::uint32_t), sizeof(pst_session));
  const auto known = RawBpfMap::open(pin("pst_paths"), sizeof(pst_path), sizeof(pst_path_owner));
  if (slots && known && slots->capacity() == sessions && known->capacity() == paths) return {};
  auto removed = remove_pins(folder_);
  if (!removed) return removed;
  if (::mkdir(folder_.c_str(), 0700) != 0) return system_error("cannot make the folder " + folder_, errno);
  return {};
}

Result<void> KernelPlane::load() {
  auto fit = forget_other_sizes(slots_of(options_), paths_of(options_));
  if (!fit) return fit;
  return load_images({options_.edge_lanes > 0 ? edge_xdp_image() : steer_in_xdp_image(),
                      steer_out_xdp_image(), steer_back_xdp_image(), sk_lookup_image()});
}

Result<void> KernelPlane::load_images(const std::vector<BpfImage>& images) {
  const std::array sizes{BpfMapSize{"pst_sessions", slots_of(options_)},
                         BpfMapSize{"pst_paths", paths_of(options_)}};
  for (const BpfImage& image : images) {
    auto object = BpfObject::load(image, folder_, sizes, options_.log_file);
    if (!object) return object.error();
    objects_.push_back(std::move(*object));
  }
  return {};
}

Result<void> KernelPlane::open_maps() {
  const auto raw = [this]<class K, class V>(const char* name,
                                            std::optional<BpfMap<K, V>>& into) -> Result<void> {
    auto map = RawBpfMap::open(pin(name), sizeof(K), sizeof(V));
    if (!map) return map.error();
    into.emplace(std::move(*map));
    return {};
  };
  std::optional<SessionMaps::Paths> paths;
  std::optional<KernelPorts::Addresses> addresses;
  for (const Result<void>& opened : {raw("pst_settings", settings_map_), raw("pst_next_hops", hops_map_),
                                     raw("pst_paths", paths), raw("pst_addresses", addresses)}) {
    if (!opened) return opened;
  }
  if (options_.edge_lanes > 0) {
    std::optional<GuardMaps::List> list;
    std::optional<GuardMaps::Guard> guard;
    auto opened = raw("pst_guard_list", list);
    if (opened) opened = raw("pst_guard", guard);
    if (!opened) return opened;
    guard_ = std::make_unique<GuardMaps>(std::move(*list), std::move(*guard), *settings_map_);
  }
  auto sockets = RawBpfMap::open(pin("pst_sockets"), sizeof(std::uint32_t), sizeof(std::uint64_t));
  if (!sockets) return sockets.error();
  sockets_map_.emplace(std::move(*sockets));
  auto sessions = BpfArray<pst_session>::open(pin("pst_sessions"));
  if (!sessions) return sessions.error();
  sessions_ = std::make_unique<SessionMaps>(std::move(*paths), std::move(*sessions));
  auto ports = BpfArray<pst_port>::open(pin("pst_ports"));
  if (!ports) return ports.error();
  ports_ = std::make_unique<KernelPorts>(std::move(*ports), std::move(*addresses), *settings_map_);
  auto counters = RawBpfMap::open(pin("pst_counters"), sizeof(std::uint32_t), sizeof(pst_count));
  if (!counters) return counters.error();
  auto drops = RawBpfMap::open(pin("pst_service_drops"), sizeof(std::uint32_t), sizeof(pst_count));
  if (!drops) return drops.error();
  counts_ = std::make_unique<PacketCounts>(std::move(*counters), std::move(*drops));
  return {};
}

/// Sockets of the process before are gone from the map with it; ours take their places.
Result<void> KernelPlane::open_sockets() {
  const auto publish = [this](std::uint32_t index, int fd) {
    const auto value = static_cast<std::uint64_t>(fd);
    return sockets_map_->update(&index, &value);
  };
  std::vector<std::uint16_t> ports;
  for (std::uint16_t lane = 0; lane < lanes_wanted(); ++lane) {
    auto sockets = open_lane_sockets(device_options(options_).steering_address, lanes_wanted());
    if (!sockets) return sockets.error();
    ports.push_back(sockets->steering->local.port);
    auto done = publish(PST_SOCKET_UDP4(lane), sockets->whole_v4->fd());
    if (done && sockets->whole_v6 != nullptr) done = publish(PST_SOCKET_UDP6(lane), sockets->whole_v6->fd());
    if (!done) return done;
    sockets_.push_back(std::move(*sockets));
  }
  for (const bool v4 : {true, false}) {
    if (options_.edge_lanes == 0) break;
    auto listener = open_tcp_listener(v4);
    if (!listener && v4) return listener.error();
    if (!listener) continue;  // a host without IPv6
    auto done = publish(v4 ? PST_SOCKET_TCP4 : PST_SOCKET_TCP6, listener->get());
    if (!done) return done;
    listeners_[v4 ? 1 : 0] = std::move(*listener);
  }
  return write_settings(ports);
}

Result<void> KernelPlane::write_settings(const std::vector<std::uint16_t>& lane_ports) {
  const auto before = settings_map_->lookup(0);
  if (!before) return before.error();
  adopted_ = *before && (*before)->instance != 0;
  settings_ = {.steering_address = v4_to_abi(device_options(options_).steering_address),
               .virtual_address = v4_to_abi(random_virtual_address(options_)),
               .virtual_port = static_cast<__be16>(random_u64() % 0xffff + 1),
               .lanes = lanes_wanted(),
               .edge_lanes = options_.edge_lanes,
               .guard_list = adopted_ ? (*before)->guard_list : __u16{0},
               .network = v4_to_abi(options_.network),
               .network_mask = htonl(~(hosts_in(options_) - 1)),
               .any_v4 = 0,
               .any_v6 = 0,
               .instance = adopted_ ? (*before)->instance : random_u64() | 1};
  for (std::size_t lane = 0; lane < lane_ports.size(); ++lane)
    settings_.lane_port[lane] = htons(lane_ports[lane]);
  auto done = settings_map_->update(0, settings_);
  if (!done) return done;
  pst_next_hop local{.valid = 1, .mtu = kDeviceMtu};
  std::memcpy(local.to, device_.mac.bytes.data(), sizeof local.to);
  std::memcpy(local.from, device_.mac.bytes.data(), sizeof local.from);
  return hops_map_->update(kLocalHop, local);
}

// ---------------------------------------------------------------------------------------------- to use

std::unique_ptr<SteeringMaker> KernelPlane::edge_steering() {
  return std::make_unique<Maker>(*this, KernelSteering::Side::kClient, std::uint16_t{0}, 0U);
}

std::unique_ptr<SteeringMaker> KernelPlane::hub_steering() {
  return std::make_unique<Maker>(*this, KernelSteering::Side::kBackend, options_.edge_lanes,
                                 options_.edge_lanes > 0 ? options_.sessions : 0U);
}

std::unique_ptr<Steering> KernelPlane::make(std::uint16_t lane, KernelSteering::Side side, Network& network,
                                            SessionTable& table, SteeringObserver& observer) {
  const std::uint32_t hops = (PST_NEXT_HOPS - KernelHops::kFirst) / lanes_wanted();
  auto lookups = NextHops::open();
  const std::vector<std::uint16_t> ports = source_ports();
  auto steering = std::make_unique<KernelSteering>(
      KernelSteering::Parts{
          .side = side,
          .lane = lane,
          .maps = *sessions_,
          .ports = *ports_,
          .virtual_end = {v4_from_abi(settings_.virtual_address), ntohs(settings_.virtual_port)},
          .longest_frame = kDeviceMtu,
          .network = {options_.network, options_.network_bits},
          .hops = {std::move(lookups.value()), *hops_map_, outer_.to_leave_by,
                   KernelHops::kFirst + lane * hops, hops},
          .sources = {ports, lane, lanes_wanted(),
                      offset(options_.network, hosts_in(options_) / 2 + 1 + lane)},
          .sockets = std::move(sockets_[lane])},
      network, table, observer);
  lanes_.resize(lanes_wanted());
  lanes_[lane] = steering.get();
  return steering;
}

/// Without those that sockets of this host have now.
std::vector<std::uint16_t> KernelPlane::source_ports() const {
  PortSet free = options_.source_ports;
  if (const auto taken = bound_udp_ports()) free = free.difference(*taken);
  std::vector<std::uint16_t> ports;
  for (const PortRange& range : free.ranges()) {
    for (std::uint32_t port = range.first; port <= range.last; ++port)
      ports.push_back(static_cast<std::uint16_t>(port));
  }
  return ports;
}

FileDescriptor KernelPlane::take_tcp_listener(bool v4) {
  return std::move(listeners_[v4 ? 1 : 0]);
}

Result<void> detach_kernel_plane(const KernelPlaneOptions& options) {
  const std::filesystem::path own{options.pins};
  const std::string others = nodes_beside(own);
  if (::access(own.c_str(), F_OK) != 0 && !others.empty())
    return error(Errc::kNotFound, "node " + own.filename().string() +
                                      " left nothing here; what is here is of " + others +
                                      ": penstockctl detach --config FILE, with the file of that node");
  auto removed = remove_pins(options.pins);
  if (!removed) return removed;
  return remove_steering_device(device_options(options));
}

}  // namespace penstock
