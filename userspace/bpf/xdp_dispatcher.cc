#include "bpf/xdp_dispatcher.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <net/if.h>
#include <unistd.h>
#include <xdp/libxdp.h>
#include <xdp/prog_dispatcher.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <set>
#include <vector>

#include "base/file_descriptor.h"
#include "bpf/bpf_object.h"
#include "bpf/library_words.h"

namespace penstock {
namespace {

constexpr std::size_t kToldLines = 3;
constexpr const char* kArray = "pst_dispatched";
constexpr std::string_view kEntry = "penstock_xdp";
constexpr std::string_view kDispatcher = "xdp_dispatcher";

struct Close {
  void operator()(bpf_object* object) const { ::bpf_object__close(object); }
  void operator()(xdp_program* program) const { ::xdp_program__close(program); }
  void operator()(xdp_multiprog* programs) const { ::xdp_multiprog__close(programs); }
};
template <class T>
using Owned = std::unique_ptr<T, Close>;

/// Around all use of libxdp: keeps what it says, and closes the descriptors of programs that its release 1.3
/// leaves open, for they would hold others' programs. Outlives what libxdp gave.
class LibxdpUse {
 public:
  LibxdpUse() : before_{programs()} {}
  ~LibxdpUse() {
    for (const int one : programs()) {
      if (before_.count(one) == 0) ::close(one);
    }
  }
  LibxdpUse(const LibxdpUse&) = delete;
  LibxdpUse& operator=(const LibxdpUse&) = delete;

 private:
  /// Descriptors of programs that this process has open.
  static std::set<int> programs() {
    std::set<int> out;
    std::error_code failed;
    for (const auto& entry : std::filesystem::directory_iterator{"/proc/self/fd", failed}) {
      if (std::filesystem::read_symlink(entry.path(), failed) == "anon_inode:bpf-prog")
        out.insert(std::atoi(entry.path().filename().c_str()));
    }
    return out;
  }

  const LibraryWords words_;
  const std::set<int> before_;
};

Error failed(const std::string& doing, int error_number) {
  if (LibraryWords::text().find("changes packet data") != std::string::npos) {
    return error(Errc::kUnavailable,
                 "cannot " + doing +
                     ": this kernel lets no program that changes packets into the dispatcher "
                     "of libxdp before 1.5.5");
  }
  Error why = system_error("cannot " + doing, error_number);
  if (const std::string said = LibraryWords::last_lines(kToldLines); !said.empty()) why.what += ": " + said;
  while (why.what.back() == '\n') why.what.pop_back();
  return why;
}

/// What is on the interface; null when nothing is.
Owned<xdp_multiprog> programs_on(std::uint32_t interface) {
  xdp_multiprog* const found = ::xdp_multiprog__get_from_ifindex(static_cast<int>(interface));
  return Owned<xdp_multiprog>{::libxdp_get_error(found) == 0 ? found : nullptr};
}

XdpMode mode_of(const xdp_multiprog& programs) {
  return ::xdp_multiprog__attach_mode(&programs) == XDP_MODE_SKB ? XdpMode::kGeneric : XdpMode::kNative;
}

std::string libxdp_folder() {
  const char* const named = ::secure_getenv(XDP_BPFFS_ENVVAR);
  return std::string{named != nullptr ? named : "/sys/fs/bpf"} + "/xdp";
}

Result<void> must_be_dispatcher(const xdp_multiprog* programs) {
  if (programs == nullptr) return error(Errc::kNotFound, "no XDP program is on the interface");
  if (!::xdp_multiprog__is_legacy(programs)) return {};
  const xdp_program* const main = ::xdp_multiprog__main_prog(programs);
  if (main != nullptr && ::xdp_program__name(main) == kDispatcher) {
    return error(Errc::kUnavailable,
                 "libxdp's dispatcher is on the interface, but what runs in it is not pinned in " +
                     libxdp_folder() + " (" XDP_BPFFS_ENVVAR " names another folder)");
  }
  return error(Errc::kExists,
               "another program's XDP program is on the interface, and not by libxdp's dispatcher");
}

/// The id of the one map that a program has; 0 where it has none or more.
std::uint32_t map_of(int program) {
  std::uint32_t map = 0;
  bpf_prog_info info{};
  info.nr_map_ids = 1;
  info.map_ids = reinterpret_cast<std::uintptr_t>(&map);
  __u32 length = sizeof info;
  const bool known = ::bpf_obj_get_info_by_fd(program, &info, &length) == 0;
  return known && info.nr_map_ids == 1 ? map : 0;
}

std::uint32_t id_of(const FileDescriptor& map) {
  bpf_map_info info{};
  __u32 length = sizeof info;
  return map && ::bpf_obj_get_info_by_fd(map.get(), &info, &length) == 0 ? info.id : 0;
}

/// Whether the array that has this id leads to a program.
bool leads(std::uint32_t map) {
  const FileDescriptor array{::bpf_map_get_fd_by_id(map)};
  const std::uint32_t key = 0;
  std::uint32_t program = 0;
  return array && ::bpf_map_lookup_elem(array.get(), &key, &program) == 0;
}

/// Entries of Penstock nodes in a dispatcher, which owns them.
std::vector<xdp_program*> entries_in(const xdp_multiprog& programs) {
  std::vector<xdp_program*> out;
  xdp_program* one = nullptr;
  while ((one = ::xdp_multiprog__next_prog(one, &programs)) != nullptr) {
    if (::xdp_program__name(one) == kEntry) out.push_back(one);
  }
  return out;
}

Result<void> take_out(xdp_program* entry, std::uint32_t interface, xdp_attach_mode mode) {
  const int refused = ::xdp_program__detach(entry, static_cast<int>(interface), mode, 0);
  if (refused == 0) return {};
  return failed("leave libxdp's dispatcher", -refused);
}

/// Of nodes whose pins were removed under them, which do nothing any more, and of none that lives.
Result<void> take_out_others(const xdp_multiprog& programs, std::uint32_t interface) {
  for (xdp_program* const entry : entries_in(programs)) {
    if (leads(map_of(::xdp_program__fd(entry))))
      return error(Errc::kExists, "another Penstock node is in the dispatcher of the interface");
    auto out = take_out(entry, interface, ::xdp_multiprog__attach_mode(&programs));
    if (!out) return out;
  }
  return {};
}

/// The array of the node, leading to the program.
Result<FileDescriptor> lead_to(const std::string& folder, int program) {
  const std::string pin = folder + "/" + kArray;
  FileDescriptor array{::bpf_obj_get(pin.c_str())};
  if (!array) {
    array = FileDescriptor{::bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, kArray, sizeof(std::uint32_t),
                                            sizeof(std::uint32_t), 1, nullptr)};
    if (!array) return system_error("cannot make the BPF map " + pin, errno);
    if (::bpf_obj_pin(array.get(), pin.c_str()) != 0) return system_error("cannot pin " + pin, errno);
  }
  const std::uint32_t key = 0;
  if (::bpf_map_update_elem(array.get(), &key, &program, BPF_ANY) != 0)
    return system_error("cannot write BPF map " + pin, errno);
  return array;
}

Owned<bpf_object> open_entry(const std::string& folder) {
  const BpfImage image = dispatched_xdp_image();
  LIBBPF_OPTS(bpf_object_open_opts, options, .pin_root_path = folder.c_str());
  return Owned<bpf_object>{::bpf_object__open_mem(image.elf.data(), image.elf.size(), &options)};
}

/// A dispatcher of this host's libxdp, with one program, loaded and on no interface; null when that failed.
Owned<xdp_program> load_dispatcher() {
  xdp_program* const made = ::xdp_program__find_file("xdp-dispatcher.o", "xdp", nullptr);
  if (::libxdp_get_error(made) != 0) return nullptr;
  Owned<xdp_program> dispatcher{made};
  bpf_object* const object = ::xdp_program__bpf_obj(made);
  bpf_map* const map = ::bpf_object__next_map(object, nullptr);
  const xdp_dispatcher_config config{
      .magic = XDP_DISPATCHER_MAGIC, .dispatcher_version = XDP_DISPATCHER_VERSION, .num_progs_enabled = 1};
  if (map == nullptr || ::bpf_map__set_initial_value(map, &config, sizeof config) != 0) return nullptr;
  return ::bpf_object__load(object) == 0 ? std::move(dispatcher) : nullptr;
}

Result<void> try_entry(int dispatcher) {
  const Owned<bpf_object> object = open_entry({});
  bpf_map* const map = object != nullptr ? ::bpf_object__find_map_by_name(object.get(), kArray) : nullptr;
  bpf_program* const entry =
      object != nullptr ? ::bpf_object__find_program_by_name(object.get(), kEntry.data()) : nullptr;
  int refused = map != nullptr && entry != nullptr ? ::bpf_map__set_pin_path(map, nullptr) : -EINVAL;
  if (refused == 0) refused = ::bpf_program__set_attach_target(entry, dispatcher, "prog0");
  if (refused == 0) refused = ::bpf_program__set_type(entry, BPF_PROG_TYPE_EXT);
  if (refused == 0) refused = ::bpf_program__set_expected_attach_type(entry, bpf_attach_type{});
  if (refused == 0) refused = ::bpf_object__load(object.get());
  if (refused == 0) return {};
  return failed("join libxdp's dispatcher", -refused);
}

Result<void> put_in(const std::string& folder, std::uint32_t interface, xdp_attach_mode mode) {
  const Owned<bpf_object> object = open_entry(folder);
  if (object == nullptr) return failed("read the entry for libxdp's dispatcher", errno);
  xdp_program* const made = ::xdp_program__from_bpf_obj(object.get(), "xdp");
  int refused = static_cast<int>(::libxdp_get_error(made));
  if (refused != 0) return failed("make an entry for libxdp's dispatcher", -refused);
  const Owned<xdp_program> entry{made};
  refused = ::xdp_program__set_run_prio(made, kDispatcherPriority);
  for (const unsigned verdict : {XDP_ABORTED, XDP_DROP, XDP_PASS, XDP_TX, XDP_REDIRECT}) {
    if (refused == 0) refused = ::xdp_program__set_chain_call_enabled(made, verdict, verdict == XDP_PASS);
  }
  if (refused == 0) refused = ::xdp_program__attach(entry.get(), static_cast<int>(interface), mode, 0);
  if (refused == 0) return {};
  return failed("join libxdp's dispatcher", -refused);
}

/// Of all versions of a node.
std::vector<std::uint32_t> arrays_in(const std::string& folder) {
  std::vector<std::uint32_t> out;
  std::error_code failed;
  for (const auto& entry : std::filesystem::recursive_directory_iterator{folder, failed}) {
    if (entry.path().filename() != kArray) continue;
    if (const std::uint32_t id = id_of(FileDescriptor{::bpf_obj_get(entry.path().c_str())}); id != 0)
      out.push_back(id);
  }
  return out;
}

/// The entry that one of the arrays belongs to; null when there is none.
xdp_program* entry_of(const std::vector<std::uint32_t>& arrays, const xdp_multiprog& programs) {
  for (xdp_program* const entry : entries_in(programs)) {
    if (std::count(arrays.begin(), arrays.end(), map_of(::xdp_program__fd(entry))) != 0) return entry;
  }
  return nullptr;
}

}  // namespace

Result<XdpMode> find_dispatcher(std::uint32_t interface) {
  const LibxdpUse use;
  const auto programs = programs_on(interface);
  const auto fit = must_be_dispatcher(programs.get());
  if (!fit) return fit.error();
  return mode_of(*programs);
}

Result<void> try_dispatcher(std::uint32_t interface) {
  const LibxdpUse use;
  const auto programs = programs_on(interface);
  auto fit = must_be_dispatcher(programs.get());
  if (!fit) return fit;
  const auto dispatcher = load_dispatcher();
  if (dispatcher == nullptr) return failed("load a dispatcher as libxdp would", errno);
  const bpf_object* const object = ::xdp_program__bpf_obj(dispatcher.get());
  return try_entry(::bpf_program__fd(::bpf_object__find_program_by_name(object, kDispatcher.data())));
}

Result<XdpMode> join_dispatcher(const std::string& folder, int program, std::uint32_t interface) {
  const LibxdpUse use;
  const auto programs = programs_on(interface);
  auto done = must_be_dispatcher(programs.get());
  if (!done) return done.error();
  const auto array = lead_to(folder, program);
  if (!array) return array.error();
  if (entry_of({id_of(*array)}, *programs) == nullptr) {
    done = take_out_others(*programs, interface);
    if (done) done = put_in(folder, interface, ::xdp_multiprog__attach_mode(programs.get()));
    if (!done) return done.error();
  }
  return mode_of(*programs);
}

bool is_in_dispatcher(const std::string& folder, std::uint32_t interface) {
  const auto arrays = arrays_in(folder);
  if (arrays.empty()) return false;
  const LibxdpUse use;
  const auto programs = programs_on(interface);
  return programs != nullptr && entry_of(arrays, *programs) != nullptr;
}

Result<void> leave_dispatchers(const std::string& folder) {
  const auto arrays = arrays_in(folder);
  if (arrays.empty()) return {};
  const LibxdpUse use;
  const std::unique_ptr<struct if_nameindex, decltype(&::if_freenameindex)> all{::if_nameindex(),
                                                                                ::if_freenameindex};
  for (const struct if_nameindex* one = all.get(); one != nullptr && one->if_index != 0; ++one) {
    const auto programs = programs_on(one->if_index);
    xdp_program* const entry = programs != nullptr ? entry_of(arrays, *programs) : nullptr;
    if (entry == nullptr) continue;
    auto left = take_out(entry, one->if_index, ::xdp_multiprog__attach_mode(programs.get()));
    if (!left) return std::move(left.error()).within(one->if_name);
  }
  return {};
}

}  // namespace penstock
