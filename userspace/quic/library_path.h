// A path between two endpoints as ngtcp2 has it.
#pragma once

#include "base/address.h"
#include "base/time.h"
#include "quic/ngtcp2_compat.h"

namespace penstock {

inline ngtcp2_tstamp library_time(Time at) {
  return static_cast<ngtcp2_tstamp>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(at.time_since_epoch()).count());
}
inline ngtcp2_duration library_span(Duration span) {
  return static_cast<ngtcp2_duration>(std::chrono::duration_cast<std::chrono::nanoseconds>(span).count());
}
/// UINT64_MAX is its "never".
inline Time time_of_library(ngtcp2_tstamp at) {
  constexpr auto kMost = static_cast<ngtcp2_tstamp>(std::chrono::nanoseconds::max().count());
  if (at >= kMost) return kNever;
  return Time{std::chrono::duration_cast<Duration>(std::chrono::nanoseconds{static_cast<std::int64_t>(at)})};
}

/// Keeps what the library's form points to; made anew only when an endpoint is another one.
class LibraryPath {
 public:
  LibraryPath() = default;
  LibraryPath(const LibraryPath&) = delete;
  LibraryPath& operator=(const LibraryPath&) = delete;

  const ngtcp2_path& between(const Endpoint& local, const Endpoint& remote) {
    if (path_.remote.addr != nullptr && local == local_ && remote == remote_) return path_;
    local_ = local;
    remote_ = remote;
    path_.local.addrlen = local.to_sockaddr(local_storage_);
    path_.local.addr = reinterpret_cast<ngtcp2_sockaddr*>(&local_storage_);
    path_.remote.addrlen = remote.to_sockaddr(remote_storage_);
    path_.remote.addr = reinterpret_cast<ngtcp2_sockaddr*>(&remote_storage_);
    return path_;
  }

 private:
  Endpoint local_;
  Endpoint remote_;
  sockaddr_storage local_storage_{};
  sockaddr_storage remote_storage_{};
  ngtcp2_path path_{};
};

inline Endpoint endpoint_of(const ngtcp2_addr& address) {
  return Endpoint::from_sockaddr(address.addr);
}

}  // namespace penstock
