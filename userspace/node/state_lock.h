// One daemon at a time has a node's state directory, and with it what the node has in the kernel.
#pragma once

#include <string>

#include "base/error.h"
#include "base/file_descriptor.h"

namespace penstock {

/// Held until it is destroyed, or the process ends in any way.
class StateLock {
 public:
  /// Nothing happens where the folder is missing, since nobody uses it then, and where it is held already.
  /// Errc::kExists when another process has it.
  Result<void> take(const std::string& state_directory);

 private:
  FileDescriptor folder_;
};

}  // namespace penstock
