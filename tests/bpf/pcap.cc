// Packet captures (the classic format, microseconds, Ethernet).
#include "bpf/pcap.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace penstock {
namespace {

void put_u32(std::ofstream& out, std::size_t value) {
  const auto word = static_cast<std::uint32_t>(value);
  out.write(reinterpret_cast<const char*>(&word), sizeof(word));
}

}  // namespace

std::string write_pcap(const std::string& name, const std::vector<Octets>& packets) {
  std::error_code failed;
  std::filesystem::create_directories(PENSTOCK_PCAP_FOLDER, failed);
  std::string file = name;
  std::replace(file.begin(), file.end(), '/', '.');
  const std::string path = std::string{PENSTOCK_PCAP_FOLDER}.append("/").append(file).append(".pcap");
  std::ofstream out{path, std::ios::binary};
  for (const std::size_t word : {0xa1b2c3d4UL, 4UL << 16 | 2UL, 0UL, 0UL, 65535UL, 1UL}) put_u32(out, word);
  std::size_t number = 0;
  for (const Octets& packet : packets) {
    for (const std::size_t word : {std::size_t{0}, number++, packet.size(), packet.size()})
      put_u32(out, word);
    out.write(reinterpret_cast<const char*>(packet.data()), static_cast<std::streamsize>(packet.size()));
  }
  return out ? path : "no capture: cannot write " + path;
}

}  // namespace penstock
