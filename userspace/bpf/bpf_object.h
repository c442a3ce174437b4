// Kernel programs of ours, loaded.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "bpf/bpf_map.h"

struct bpf_object;

namespace penstock {

/// An object file that was built in: what bpf/NAME.bpf.c became.
struct BpfImage {
  std::string_view name;
  Bytes elf;
};

/// All of ours, by the name of their file.
BpfImage edge_xdp_image();
BpfImage steer_out_xdp_image();
BpfImage steer_in_xdp_image();
BpfImage steer_back_xdp_image();
BpfImage sk_lookup_image();
BpfImage dispatched_xdp_image();
BpfImage edge_tc_image();
BpfImage hub_tc_image();
BpfImage leave_tc_image();

/// How many entries a map gets instead of those its declaration says.
struct BpfMapSize {
  std::string map;
  std::uint32_t entries = 0;
};

/// Programs and maps of one image. Maps that are pinned in the folder are used as they are, others are made
/// and pinned there; programs live as long as this, or what they are attached by. One thread; needs CAP_BPF
/// and CAP_NET_ADMIN.
class BpfObject {
 public:
  /// `pins` is a folder on a bpf filesystem, which exists. What the verifier says of a program that it
  /// refuses is in the error by its last lines, and whole in `log_file`.
  static Result<BpfObject> load(const BpfImage& image, const std::string& pins,
                                std::span<const BpfMapSize> sizes, const std::string& log_file);
  BpfObject(BpfObject&& other) noexcept;
  BpfObject& operator=(BpfObject&& other) noexcept;
  ~BpfObject();

  /// Descriptor of a program of that name, owned by this; an error when there is none.
  Result<int> program(const std::string& name) const;

  template <class K, class V>
  Result<BpfMap<K, V>> map(const std::string& name) const {
    auto raw = raw_map(name, sizeof(K), sizeof(V));
    if (!raw) return raw.error();
    return BpfMap<K, V>{std::move(*raw)};
  }
  /// A descriptor of its own of that map.
  Result<RawBpfMap> raw_map(const std::string& name, std::size_t key_size, std::size_t value_size) const;

 private:
  explicit BpfObject(bpf_object* object) : object_{object} {}

  bpf_object* object_;
};

}  // namespace penstock
