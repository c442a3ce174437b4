"""Strangers and broken clients at the hub's UDP port."""

import secrets
import struct

from harness.datagrams import ask
from harness.runner import case
from harness.sockets import expect_echo
from harness.topology import BACKEND_V4, EDGE_OTHER, HUB_TUNNEL
from harness.wait import expect, expect_equal
from harness.world import TUNNEL_PORT

ECHO = {"name": "echo", "ports": 7000, "target": BACKEND_V4}
TALK = {"name": "talk", "protocol": "udp", "ports": 7001, "target": BACKEND_V4}
VERSION_1 = 1
MiB = 1 << 20


def pair(world, **hub):
    """A hub and an edge over QUIC, with a flow and a session that must not notice what strangers do."""
    world.echo_backend(7000)
    world.udp_echo(7001)
    hub, edge = world.pair([ECHO, TALK], hub=hub)
    client, talker = world.connect(7000), world.udp_client(7001)

    def serves():
        expect_echo(client)
        expect_echo(world.connect(7000))
        ask(talker, b"still there")
        expect_equal(hub.events("carrier_down", edge="edge-1"), [], "carriers of the good edge that ended")
        expect(edge.connected(), "the good edge is connected")
    serves()
    return hub, serves


def long_header(first, version, destination, source, rest):
    return (bytes([first]) + struct.pack(">I", version) + bytes([len(destination)]) + destination +
            bytes([len(source)]) + source + rest)


def initial(payload, token=b"", length=None, destination=None):
    """What looks like the first packet of a client, and cannot be deciphered."""
    size = struct.pack(">H", 0x4000 | (len(payload) if length is None else length))
    return long_header(0xC3, VERSION_1, destination or secrets.token_bytes(18), secrets.token_bytes(17),
                       bytes([len(token)]) + token + size + payload)


def garbage():
    """Datagrams that no client would send, one of each kind."""
    noise = secrets.token_bytes
    yield b""
    yield b"\0"
    yield noise(1)
    yield noise(20)
    yield noise(1200)
    yield noise(1472)
    yield noise(65507)
    yield bytes(1200)
    yield b"\xff" * 1200
    yield initial(noise(1150))  # whole, but for its tag
    yield initial(noise(1150))[:40]
    yield initial(noise(1150))[:700]  # shorter than a first packet may be
    yield initial(noise(1150), length=0x3FFF)
    yield initial(noise(1150), length=0)
    yield initial(noise(1000), token=b"\xb6" + noise(60))  # of a Retry that never was
    yield initial(noise(1000), token=b"\x36" + noise(60))
    yield initial(noise(1150), destination=noise(3))
    yield long_header(0xC3, 0x0A0A0A0A, noise(18), noise(17), noise(1150))  # another version
    yield long_header(0xC3, 0, noise(18), noise(17), noise(1150))
    yield long_header(0xC3, VERSION_1, noise(255), noise(17), noise(900))
    yield long_header(0xE3, VERSION_1, noise(18), noise(17), noise(1150))  # Handshake, out of nothing
    yield long_header(0xF3, VERSION_1, noise(18), noise(17), noise(1150))  # Retry
    yield b"\x43" + noise(18) + noise(30)  # a short header
    yield b"\x43" + noise(18) + noise(1200)


@case(short=True, timeout=120, carrier="quic")
def garbage_at_the_port(world):
    """It is passed over: nothing is kept of it, and the tunnel does not notice."""
    hub, serves = pair(world)
    stranger = world.keep(world.edge.udp(EDGE_OTHER, peer=(HUB_TUNNEL, TUNNEL_PORT)))
    handshakes = world.keep(world.edge.udp(EDGE_OTHER))
    before = hub.process.resident_bytes()
    for _ in range(200):
        for datagram in garbage():
            stranger.send(datagram)
        handshakes.sendto(initial(secrets.token_bytes(1150)), (HUB_TUNNEL, TUNNEL_PORT))
        stranger.setblocking(False)
        answered = stranger_heard(stranger)
        stranger.setblocking(True)
        expect(answered < 100_000, f"the hub answers little: {answered} bytes")
        hub.process.check()
    serves()
    grown = hub.process.resident_bytes() - before
    expect(grown < 32 * MiB, f"the hub grew by {grown / MiB:.0f} MiB for garbage")
    expect_equal(len(hub.events("edge_connected")), 1, "edges that connected")


def stranger_heard(connection):
    """Bytes that have come."""
    count = 0
    try:
        while True:
            count += len(connection.recv(65536))
    except BlockingIOError:
        return count


@case(carrier="quic")
def another_application(world):
    """ngtcp2's own client speaks HTTP/3: it is refused within the handshake, and told why."""
    hub, serves = pair(world)
    program, environment = world.programs.peer("gtlsclient")
    done = world.processes.run([program, "--timeout=5s", HUB_TUNNEL, TUNNEL_PORT, "https://hub/"], world.edge,
                               environment=environment)
    said = done.stdout + done.stderr
    expect("CRYPTO_ERROR(0x178)" in said, f"it is told no_application_protocol: {said[-900:]}")
    refused = hub.await_event("handshake_failed", reason="tls_failed")
    expect("application protocol" in refused["error"].lower(), f"the event names what failed: {refused}")
    serves()
