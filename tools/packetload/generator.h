// The kernel program that makes datagrams, and the test runs that drive it.
#pragma once

#include <csignal>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "packetload/options.h"

struct packetload;

namespace penstock::packetload {

/// One thread; needs CAP_BPF and CAP_NET_ADMIN. Frames leave in the network namespace of the calling thread.
class Generator {
 public:
  static Result<Generator> load(const Options& options);
  Generator(Generator&& other) noexcept;
  Generator& operator=(Generator&&) = delete;
  ~Generator();

  /// Sends, as the options say, until `end` or until `stop` is no longer 0. Keeps one core busy, and returns
  /// when all have left, or been dropped by the interface.
  Result<void> send_until(Time end, const volatile std::sig_atomic_t& stop);
  /// The next one as a whole frame, which goes nowhere.
  Result<std::vector<std::byte>> make();
  /// Datagrams that were made so far.
  std::uint64_t made() const;
  /// ... without those of strangers.
  std::uint64_t made_of_sessions() const;

 private:
  Generator(struct ::packetload* program, const Options& options);
  Result<void> run();

  struct ::packetload* program_;
  std::uint64_t most_;
  std::vector<std::byte> frame_;  // what every frame begins as: zeros
};

}  // namespace penstock::packetload
