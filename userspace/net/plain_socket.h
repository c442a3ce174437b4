// Plain sockets: made within what the reserve of descriptors leaves, bound, and asked for their names.
#pragma once

#include <sys/socket.h>

#include "base/address.h"
#include "base/file_descriptor.h"

namespace penstock {

/// Whether it is one of the last descriptors, which clients and backends never get, so that operators are
/// heard when descriptors run out.
bool is_reserved(const FileDescriptor& socket);

/// A socket of the endpoint's family that never blocks. `type` is SOCK_STREAM or SOCK_DGRAM.
Result<FileDescriptor> make_socket(const Endpoint& endpoint, int type);

/// IPv6 sockets take IPv6 alone, so that each family has the port for itself. On failure errno says why.
bool bind_socket(const FileDescriptor& socket, const Endpoint& on);

/// What `get`, which is getsockname or getpeername, says; 0 of :: when it fails.
Endpoint name_of(int fd, decltype(&::getsockname) get);

}  // namespace penstock
