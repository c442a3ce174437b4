"""What cases do with sockets: read exactly, read to the end, expect a reset."""

import socket
import struct
import time

from harness.wait import Failure, expect_equal, shorten


def receive(connection, size):
    """Exactly `size` bytes."""
    data = bytearray()
    while len(data) < size:
        piece = connection.recv(min(size - len(data), 1 << 20))
        if not piece:
            raise Failure(f"the connection ended after {len(data)} of {size} bytes")
        data += piece
    return bytes(data)


def receive_all(connection):
    """Everything up to the peer's end."""
    data = bytearray()
    while piece := connection.recv(1 << 20):
        data += piece
    return bytes(data)


def expect_end(connection):
    """The peer's direction ends here, in order."""
    expect_equal(connection.recv(4096), b"", "bytes where the end was due")


def expect_reset(connection):
    """The peer resets the connection; nothing else comes before."""
    try:
        data = connection.recv(4096)
    except ConnectionResetError:
        return
    except TimeoutError:
        raise Failure("the connection was not reset, it is silent") from None
    raise Failure(f"the connection was not reset: {'it ended in order' if not data else shorten(data)}")


def expect_refused_flow(connect):
    """A connection that is accepted and then reset: at once, or when first read from."""
    try:
        connection = connect()
    except ConnectionResetError:
        return
    expect_reset(connection)


def expect_broken(connection):
    """The peer has reset a connection whose end had come before, so that only writing can tell."""
    try:
        for _ in range(500):
            connection.sendall(b"x")
            time.sleep(0.02)
    except ConnectionError:
        return
    raise Failure("the connection still takes bytes")


def reset(connection):
    """Closes with RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def expect_echo(connection, data=b"ping"):
    """What is sent comes back."""
    connection.sendall(data)
    expect_equal(receive(connection, len(data)), data, "echo")


def is_refused(namespace, host, port):
    """Nobody listens there."""
    try:
        namespace.connect(host, port, timeout=5.0).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        pass  # whoever listened there closed within the handshake
    return False
