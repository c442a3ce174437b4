// Plain sockets: made within what the reserve of descriptors leaves, bound, and asked for their names.
#pragma once

#include <sys/socket.h>

#include "base/address.h"
#include "base/file_descriptor.h"

namespace penstock {

/// Bytes for datagrams that wait on a port which many send to, as `set_receive_buffer` takes them.
constexpr int kPortReceiveBuffer = 4 << 20;

/// Whether it is one of the last descriptors, which clients and backends never get, so that operators are
/// heard when descriptors run out.
bool is_reserved(const FileDescriptor& socket);

/// A socket of the endpoint's family that never blocks. `type` is SOCK_STREAM or SOCK_DGRAM.
Result<FileDescriptor> make_socket(const Endpoint& endpoint, int type);

/// IPv6 sockets take IPv6 alone, so that each family has the port for itself. On failure errno says why.
bool bind_socket(const FileDescriptor& socket, const Endpoint& on);

/// Whether the system took it; errno says why not.
bool set_option(int fd, int level, int name, int value);

/// Bytes for datagrams that wait to be read; the system counts twice as many, with what it adds to each, and
/// gives less where it allows no more.
void set_receive_buffer(int fd, int bytes);

/// What `get`, which is getsockname or getpeername, says; 0 of :: when it fails.
Endpoint name_of(int fd, decltype(&::getsockname) get);

}  // namespace penstock
