// The folder where maps, programs and links are pinned.
#pragma once

#include <string>

#include "base/error.h"

namespace penstock {

/// Makes `folder`, an absolute path, if it is missing, and mounts a BPF filesystem on it unless it lies on
/// one already. Errc::kExists when that would hide files. Mounting needs root; the error says what to do
/// without.
Result<void> ensure_bpffs(const std::string& folder);

}  // namespace penstock
