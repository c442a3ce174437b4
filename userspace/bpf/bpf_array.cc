#include "bpf/bpf_array.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace penstock {

Result<RawBpfArray> RawBpfArray::map(RawBpfMap array, std::size_t value_size) {
  const std::size_t stride = (value_size + 7) / 8 * 8;
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const std::size_t bytes = (stride * array.capacity() + page - 1) / page * page;
  void* const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, array.fd(), 0);
  if (memory == MAP_FAILED) return system_error("cannot map the BPF map " + array.name(), errno);
  return RawBpfArray{std::move(array), memory, bytes};
}

RawBpfArray::RawBpfArray(RawBpfMap array, void* memory, std::size_t bytes)
    : array_{std::move(array)}, memory_{memory}, bytes_{bytes} {}

RawBpfArray::RawBpfArray(RawBpfArray&& other) noexcept
    : array_{std::move(other.array_)}, memory_{std::exchange(other.memory_, nullptr)}, bytes_{other.bytes_} {}

RawBpfArray::~RawBpfArray() {
  if (memory_ != nullptr) ::munmap(memory_, bytes_);
}

}  // namespace penstock
