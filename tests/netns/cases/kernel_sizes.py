"""What the programs leave to the system comes through all the same: fragments, IP options, extension headers."""

import secrets
import socket

from harness.datagrams import LARGEST, ask, expect_all_arrived
from harness.runner import case
from harness.steered import counted
from harness.topology import BACKEND_V4, BACKEND_V6, EDGE_V4, EDGE_V6
from harness.wait import expect, expect_equal

ECHO = {"name": "echo", "protocol": "udp", "ports": 7000, "target": BACKEND_V4}
SIZES = (1, 2, 1200, 1443, 1444, 1445, 1468, 1472, 1473, 1500, 2900, 2960, 3000, 9000, 30_000, LARGEST - 28, LARGEST)
ROUTER_ALERT = b"\x94\x04\0\0"
DESTINATION_PADDING = bytes((0, 0, 1, 4, 0, 0, 0, 0))  # next header and length, then PadN
IPV6_DSTOPTS = 59


def expect_left(node, program, reason, at_least):
    count = counted(node, program, reason)
    expect(count >= at_least, f"{count} x {reason} by {program} at {node.name}, at least {at_least} were due")


def check_sizes(world, hub, edge, public):
    client = world.udp_client(7000, public)
    for size in SIZES:
        ask(client, secrets.token_bytes(size))
    large = sum(size > 1472 for size in SIZES)
    expect_left(edge, "edge_xdp", "fragment", 2 * large)
    expect_left(hub, "steer_in_xdp", "fragment", 2 * large)
    expect_left(edge, "edge_xdp", "steered", 5)
    expect_left(hub, "steer_in_xdp", "steered", 5)
    expect_left(edge, "steer_out_xdp", "steered", 5)
    expect_equal(len(edge.sessions()), 1, "sessions")
    expect_all_arrived(hub, edge)


@case(kernel=True, short=True)
def fragments_over_ipv4(world):
    world.udp_echo(7000)
    check_sizes(world, *world.pair([ECHO]), EDGE_V4)


@case(kernel=True)
def fragments_over_ipv6(world):
    world.udp_echo(7000, BACKEND_V6)
    check_sizes(world, *world.pair([{**ECHO, "target": f"[{BACKEND_V6}]:7000"}]), EDGE_V6)


@case(kernel=True)
def a_header_in_front_of_full_packets(world):
    """With PROXY v2 in front, a datagram that filled a packet no longer does."""
    backend = world.udp_backend(7000)
    hub, edge = world.pair([{**ECHO, "client": "proxy-v2"}])
    client = world.udp_client(7000)
    for size in (1, 1400, 1443, 1444, 1445, 1472, 2960, 30_000):
        payload = secrets.token_bytes(size)
        client.send(payload)
        data, source = backend.recvfrom(65536)
        expect_equal(data[28:], payload, f"{size} bytes behind the header")
        backend.sendto(payload, source)
        expect_equal(client.recv(65536), payload, "the answer")
    expect_all_arrived(hub, edge)


def check_options(world, set_options, public, target):
    """A session that was opened with options, goes on without, and with them again; and answers that have some."""
    backend = world.udp_backend(7000, target)
    hub, edge = world.pair([{**ECHO, "target": f"[{target}]:7000" if ":" in target else target}])
    client = world.udp_client(7000, public)
    for turn in range(6):
        with_options = turn % 2 == 0
        set_options(client, with_options)
        set_options(backend, with_options)
        payload = secrets.token_bytes(500 + turn)
        client.send(payload)
        data, source = backend.recvfrom(65536)
        expect_equal(data, payload, f"datagram {turn} at the backend")
        backend.sendto(payload, source)
        expect_equal(client.recv(65536), payload, f"answer {turn}")
    for node, program in ((edge, "edge_xdp"), (hub, "steer_in_xdp")):
        expect_left(node, program, "ip_options", 3)
        expect_left(node, program, "steered", 2)
        expect_equal(len(node.sessions()), 1, f"sessions at {node.name}")
    expect_all_arrived(hub, edge)


@case(kernel=True, short=True)
def options_of_ipv4(world):
    def set_options(one, on):
        one.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, ROUTER_ALERT if on else b"")
    check_options(world, set_options, EDGE_V4, BACKEND_V4)


@case(kernel=True)
def extension_headers_of_ipv6(world):
    def set_options(one, on):
        one.setsockopt(socket.IPPROTO_IPV6, IPV6_DSTOPTS, DESTINATION_PADDING if on else b"")
    check_options(world, set_options, EDGE_V6, BACKEND_V6)
