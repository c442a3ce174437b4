// A ring that kernel programs write records to, and that one thread reads.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/error.h"
#include "base/file_descriptor.h"

namespace penstock {

/// Its descriptor is readable while there are records. Programs find no room when it is full of what was not
/// released.
class BpfRing {
 public:
  /// So many bytes, a power of two and at least a page. Needs CAP_BPF or root.
  static Result<BpfRing> make(std::uint32_t bytes);
  BpfRing(BpfRing&& other) noexcept;
  BpfRing& operator=(BpfRing&&) = delete;
  ~BpfRing();

  int fd() const { return map_.get(); }
  /// The next record in order, of at least one byte; empty when there is none. Good until release().
  Bytes next();
  /// Gives back all that next() gave.
  void release();

 private:
  BpfRing(FileDescriptor map, std::uint32_t bytes) : map_{std::move(map)}, bytes_{bytes} {}
  Result<void> map_memory();

  FileDescriptor map_;
  std::uint32_t bytes_;
  std::uint64_t read_ = 0;  // position up to which next() has come
  std::byte* consumer_ =
      nullptr;  // a page with our position, then one with the programs', then the records twice
};

}  // namespace penstock
