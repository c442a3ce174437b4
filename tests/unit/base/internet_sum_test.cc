#include "base/internet_sum.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace penstock {
namespace {

/// RFC 1071 word for word, in the order of the wire.
std::uint16_t simple_sum(Bytes bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    sum += std::to_integer<std::uint32_t>(bytes[i]) << (i % 2 == 0 ? 8 : 0);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

std::uint16_t on_wire(std::uint16_t in_memory) {
  std::byte bytes[2];
  std::memcpy(bytes, &in_memory, sizeof bytes);
  return load_u16(bytes);
}

TEST(InternetSum, SumsThePublishedExample) {
  const std::vector<std::byte> bytes{std::byte{0x00}, std::byte{0x01}, std::byte{0xf2}, std::byte{0x03},
                                     std::byte{0xf4}, std::byte{0xf5}, std::byte{0xf6}, std::byte{0xf7}};
  EXPECT_EQ(on_wire(internet_sum(bytes)), 0xddf2);
}

TEST(InternetSum, AgreesWithTheSimpleOneAtEveryLengthAndPlace) {
  std::vector<std::byte> bytes(1600);
  fill_random(bytes);
  for (std::size_t length = 0; length < 1500; length = length < 70 ? length + 1 : length + 61) {
    for (std::size_t at = 0; at < 9; ++at) {
      const Bytes part = Bytes{bytes}.subspan(at, length);
      EXPECT_EQ(on_wire(internet_sum(part)), simple_sum(part)) << length << " bytes at " << at;
    }
  }
}

TEST(InternetSum, CarriesWhateverTheBytesAre) {
  const std::vector<std::byte> ones(65535, std::byte{0xff});
  EXPECT_EQ(on_wire(internet_sum(ones)), simple_sum(ones));
  EXPECT_EQ(internet_sum({}), 0);
  EXPECT_EQ(internet_sum({}, ~std::uint64_t{0}), 0xffff);
}

TEST(InternetSum, ContinuesWithWhatCameBefore) {
  std::vector<std::byte> bytes(301);
  fill_random(bytes);
  const Bytes all{bytes};
  EXPECT_EQ(internet_sum(all.subspan(100), internet_sum(all.first(100))), internet_sum(all));
}

}  // namespace
}  // namespace penstock
