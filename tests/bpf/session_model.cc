// The node that the tests describe to the programs.
#include "bpf/session_model.h"

#include <cstring>

#include "proto/proxy_header.h"

namespace penstock {
namespace {

std::uint32_t v4_word(std::string_view text) {
  const auto bytes = IpAddress::parse(text).value().v4_bytes();
  std::uint32_t word = 0;
  std::memcpy(&word, bytes.data(), sizeof(word));
  return word;
}

}  // namespace

std::uint16_t big_endian(std::uint16_t number) {
  return static_cast<std::uint16_t>(number << 8 | number >> 8);
}

pst_address abi_address(const IpAddress& address) {
  pst_address out{};
  std::memcpy(&out, address.bytes().data(), sizeof(out));
  return out;
}

pst_address abi_address(std::string_view text) {
  return abi_address(IpAddress::parse(text).value());
}

pst_settings model_settings() {
  pst_settings settings{};
  settings.steering_address = v4_word(kSteering);
  settings.virtual_address = v4_word(kVirtual);
  settings.virtual_port = big_endian(kVirtualPort);
  settings.lanes = 2;
  settings.edge_lanes = 2;
  settings.network = v4_word("198.18.0.0");
  settings.network_mask = v4_word("255.254.0.0");
  settings.any_v4 = 1;
  settings.any_v6 = 1;
  settings.lane_port[0] = big_endian(kLanePort);
  settings.lane_port[1] = big_endian(kLanePort + 1);
  return settings;
}

pst_session model_session(std::uint32_t id, const Ends& client_side, const Ends& backend_side) {
  pst_session session{};
  session.id = id;
  session.service = kService;
  session.client_hop = 1;
  session.backend_hop = 2;
  session.client = abi_address(client_side.client);
  session.local = abi_address(client_side.local);
  session.source = abi_address(backend_side.source);
  session.backend = abi_address(backend_side.backend);
  session.client_port = big_endian(kClientPort);
  session.local_port = big_endian(kPort);
  session.source_port = big_endian(kSourcePort);
  session.backend_port = big_endian(kBackendPort);
  return session;
}

pst_path path_from_client(const pst_session& session) {
  return {session.client, session.local, session.client_port, session.local_port};
}

pst_path path_from_backend(const pst_session& session) {
  return {session.backend, session.source, session.backend_port, session.source_port};
}

Octets proxy_header(const Ends& client_side) {
  const ProxyAddresses ends{.client = {IpAddress::parse(client_side.client).value(), kClientPort},
                            .local = {IpAddress::parse(client_side.local).value(), kPort}};
  const ProxyV2Header header = proxy_v2_datagram(ends);
  Octets out(header.size);
  std::memcpy(out.data(), header.bytes.data(), header.size);
  return out;
}

}  // namespace penstock
