"""IPv4 packets with whatever addresses one likes."""

import socket
import struct


def raw_socket(namespace):
    with namespace.enter():
        return socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)


def send_udp(raw, source, target, payload):
    """A datagram from and to (address, port)."""
    raw.sendto(udp_packet(*source, *target, payload), (target[0], 0))


def udp_packet(source, source_port, target, port, payload):
    """An IPv4 packet; the kernel fills in length and checksum of the IP header, UDP goes without one."""
    udp = struct.pack(">HHHH", source_port, port, 8 + len(payload), 0) + payload
    return struct.pack(">BBHHHBBH4s4s", 0x45, 0, 0, 0, 0, 64, socket.IPPROTO_UDP, 0,
                       socket.inet_aton(source), socket.inet_aton(target)) + udp
