// A state directory for simulated nodes, gone with the test.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace penstock {

/// In memory where the machine has such a file system: a store syncs every change, which the disk would make
/// slow.
class SimDirectory {
 public:
  SimDirectory() {
    const std::filesystem::path memory{"/dev/shm"};
    std::error_code ignored;
    const auto parent =
        std::filesystem::is_directory(memory, ignored) ? memory : std::filesystem::temp_directory_path();
    path_ = parent / "penstock-sim-XXXXXX";
    if (::mkdtemp(path_.data()) == nullptr) std::abort();
  }
  ~SimDirectory() { std::filesystem::remove_all(path_); }
  SimDirectory(const SimDirectory&) = delete;
  SimDirectory& operator=(const SimDirectory&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace penstock
