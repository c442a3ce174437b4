// TCP sockets of the load program: all of them non-blocking and without Nagle's delay.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/address.h"
#include "base/error.h"
#include "base/file_descriptor.h"

namespace penstock::flowload {

Result<FileDescriptor> listen_on(const Endpoint& at);
/// Begins to connect; the socket becomes writable when that succeeded or failed, and take_error() tells
/// which.
Result<FileDescriptor> start_connect(const Endpoint& to, const std::optional<IpAddress>& source);
/// The next waiting connection; an empty descriptor when there is none.
Result<FileDescriptor> accept_one(int listener);
/// The address that a bound socket has, with the port that the kernel chose.
Endpoint local_endpoint(int fd);

/// The socket's pending error as a sentence that begins with `doing`, or nothing.
std::optional<Error> take_error(int fd, std::string_view doing);
/// Lets the kernel send no faster than this, and keeps the unsent backlog small, so that a paced flow ends in
/// time.
void pace(int fd, std::uint64_t bytes_per_second);
/// Descriptors of a load besides those of its flows, at the most.
constexpr std::uint64_t kOtherDescriptors = 32;
/// Makes sure that `count` descriptors can be open at once, raising our limit where we may.
Result<void> allow_descriptors(std::uint64_t count);

}  // namespace penstock::flowload
