#include "bpf/bpf_ring.h"

#include <bpf/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <utility>

namespace penstock {
namespace {

constexpr std::size_t kHeader = BPF_RINGBUF_HDR_SZ;

std::size_t page() {
  static const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return size;
}

template <class T>
T load_acquire(std::byte* at) {
  return std::atomic_ref<T>{*reinterpret_cast<T*>(at)}.load(std::memory_order_acquire);
}

}  // namespace

Result<BpfRing> BpfRing::make(std::uint32_t bytes) {
  FileDescriptor map{::bpf_map_create(BPF_MAP_TYPE_RINGBUF, "pst_lane_ring", 0, 0, bytes, nullptr)};
  if (!map) return system_error("cannot make a ring", errno);
  BpfRing ring{std::move(map), bytes};
  auto done = ring.map_memory();
  if (!done) return done.error();
  return ring;
}

BpfRing::BpfRing(BpfRing&& other) noexcept
    : map_{std::move(other.map_)},
      bytes_{other.bytes_},
      read_{other.read_},
      consumer_{std::exchange(other.consumer_, nullptr)} {}

BpfRing::~BpfRing() {
  if (consumer_ == nullptr) return;
  ::munmap(consumer_, page());
  ::munmap(consumer_ + page(), page() + 2 * std::size_t{bytes_});
}

/// Two mappings, as what the programs write is not ours to change; their places lie side by side.
Result<void> BpfRing::map_memory() {
  const std::size_t rest = page() + 2 * std::size_t{bytes_};
  void* const place = ::mmap(nullptr, page() + rest, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (place == MAP_FAILED) return system_error("cannot map a ring", errno);
  consumer_ = static_cast<std::byte*>(place);
  const auto at = static_cast<off_t>(page());
  if (::mmap(consumer_, page(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, map_.get(), 0) ==
          MAP_FAILED ||
      ::mmap(consumer_ + page(), rest, PROT_READ, MAP_SHARED | MAP_FIXED, map_.get(), at) == MAP_FAILED)
    return system_error("cannot map a ring", errno);
  return {};
}

Bytes BpfRing::next() {
  for (;;) {
    if (read_ == load_acquire<std::uint64_t>(consumer_ + page())) return {};
    std::byte* const record = consumer_ + 2 * page() + (read_ & (bytes_ - 1));
    const auto header = load_acquire<std::uint32_t>(record);
    if ((header & BPF_RINGBUF_BUSY_BIT) != 0) return {};
    const std::size_t size = header & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
    read_ += (kHeader + size + 7) / 8 * 8;
    if ((header & BPF_RINGBUF_DISCARD_BIT) == 0) return {record + kHeader, size};
  }
}

void BpfRing::release() {
  std::atomic_ref<std::uint64_t>{*reinterpret_cast<std::uint64_t*>(consumer_)}.store(
      read_, std::memory_order_release);
}

}  // namespace penstock
