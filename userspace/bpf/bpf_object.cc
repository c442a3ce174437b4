#include "bpf/bpf_object.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>

#include <cerrno>
#include <utility>

#include "bpf/library_words.h"

// Skeletons are made by bpftool; only their bytes are used.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wunused-function"
#include <dispatched_xdp.skel.h>
#include <edge_tc.skel.h>
#include <edge_xdp.skel.h>
#include <hub_tc.skel.h>
#include <leave_tc.skel.h>
#include <sk_lookup.skel.h>
#include <steer_back_xdp.skel.h>
#include <steer_in_xdp.skel.h>
#include <steer_out_xdp.skel.h>
#pragma GCC diagnostic pop

namespace penstock {
namespace {

constexpr std::size_t kToldLines = 6;

BpfImage image_of(std::string_view name, const void* (*elf_bytes)(std::size_t*)) {
  std::size_t size = 0;
  const void* const bytes = elf_bytes(&size);
  return {.name = name, .elf = {static_cast<const std::byte*>(bytes), size}};
}

Error refused(const BpfImage& image, int error_number, const std::string& log_file) {
  Error why = system_error("the kernel refused the program " + std::string{image.name}, error_number);
  const auto written = write_file(log_file, LibraryWords::text(), 0600);
  why.what += ": " + LibraryWords::last_lines(kToldLines);
  if (written) why.what += "(all of it in " + log_file + ")";
  return why;
}

/// In libxdp's dispatcher ours are reached by a tail call from a program that has no attach type. Newer
/// kernels, and updates of 6.1, refuse that where the types differ (-EINVAL, without a word in the verifier's
/// log).
void forget_attach_types(bpf_object* object) {
  bpf_program* program = nullptr;
  while ((program = ::bpf_object__next_program(object, program)) != nullptr) {
    if (::bpf_program__type(program) == BPF_PROG_TYPE_XDP)
      ::bpf_program__set_expected_attach_type(program, bpf_attach_type{});
  }
}

}  // namespace

BpfImage edge_xdp_image() {
  return image_of("edge_xdp", edge_xdp__elf_bytes);
}
BpfImage steer_out_xdp_image() {
  return image_of("steer_out_xdp", steer_out_xdp__elf_bytes);
}
BpfImage steer_in_xdp_image() {
  return image_of("steer_in_xdp", steer_in_xdp__elf_bytes);
}
BpfImage steer_back_xdp_image() {
  return image_of("steer_back_xdp", steer_back_xdp__elf_bytes);
}
BpfImage sk_lookup_image() {
  return image_of("sk_lookup", sk_lookup__elf_bytes);
}
BpfImage dispatched_xdp_image() {
  return image_of("dispatched_xdp", dispatched_xdp__elf_bytes);
}
BpfImage edge_tc_image() {
  return image_of("edge_tc", edge_tc__elf_bytes);
}
BpfImage hub_tc_image() {
  return image_of("hub_tc", hub_tc__elf_bytes);
}
BpfImage leave_tc_image() {
  return image_of("leave_tc", leave_tc__elf_bytes);
}

Result<BpfObject> BpfObject::load(const BpfImage& image, const std::string& pins,
                                  std::span<const BpfMapSize> sizes, const std::string& log_file) {
  const LibraryWords words;
  LIBBPF_OPTS(bpf_object_open_opts, options, .pin_root_path = pins.c_str());
  const std::string name{image.name};
  options.object_name = name.c_str();
  BpfObject out{::bpf_object__open_mem(image.elf.data(), image.elf.size(), &options)};
  int failed = out.object_ == nullptr ? errno : 0;
  for (const BpfMapSize& size : sizes) {
    bpf_map* const map =
        failed == 0 ? ::bpf_object__find_map_by_name(out.object_, size.map.c_str()) : nullptr;
    if (map != nullptr) failed = -::bpf_map__set_max_entries(map, size.entries);
  }
  if (failed == 0) {
    forget_attach_types(out.object_);
    failed = -::bpf_object__load(out.object_);
  }
  if (failed != 0) return refused(image, failed, log_file);
  return out;
}

BpfObject::BpfObject(BpfObject&& other) noexcept : object_{std::exchange(other.object_, nullptr)} {}

BpfObject& BpfObject::operator=(BpfObject&& other) noexcept {
  std::swap(object_, other.object_);
  return *this;
}

BpfObject::~BpfObject() {
  if (object_ != nullptr) ::bpf_object__close(object_);
}

Result<int> BpfObject::program(const std::string& name) const {
  const bpf_program* const found = ::bpf_object__find_program_by_name(object_, name.c_str());
  if (found == nullptr) return error(Errc::kNotFound, "no BPF program is called " + name);
  return ::bpf_program__fd(found);
}

Result<RawBpfMap> BpfObject::raw_map(const std::string& name, std::size_t key_size,
                                     std::size_t value_size) const {
  const int found = ::bpf_object__find_map_fd_by_name(object_, name.c_str());
  if (found < 0) return error(Errc::kNotFound, "no BPF map is called " + name);
  FileDescriptor own{::fcntl(found, F_DUPFD_CLOEXEC, 0)};
  if (!own) return system_error("cannot keep the BPF map " + name, errno);
  return RawBpfMap::adopt(std::move(own), key_size, value_size);
}

}  // namespace penstock
