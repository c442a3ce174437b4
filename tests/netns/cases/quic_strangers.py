"""Strangers and broken clients at the hub's UDP port, and edges that have the right secret and break the protocol."""

import secrets
import struct

from harness.carrier import (CLOSE, CONFIG_RESULT, DATA, HEADER, HELLO, OPEN, PING, REPORT, UDP_DATA, Carrier, frame,
                             proxy_line, session_opened)
from harness.datagrams import ask
from harness.quic_client import QuicClient, control, edge_line, log_in, stream
from harness.runner import case
from harness.sockets import expect_echo
from harness.topology import BACKEND_V4, EDGE_OTHER, HUB_TUNNEL, HUB_TUNNEL2
from harness.wait import expect, expect_equal, until
from harness.world import TUNNEL_PORT

ECHO = {"name": "echo", "ports": 7000, "target": BACKEND_V4}
TALK = {"name": "talk", "protocol": "udp", "ports": 7001, "target": BACKEND_V4}
VERSION_1 = 1
KiB, MiB = 1 << 10, 1 << 20


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


def ask_as_another_application(world):
    """What ngtcp2's own client, which speaks HTTP/3, has to say."""
    program, environment = world.programs.peer("gtlsclient")
    done = world.processes.run([program, "--timeout=5s", HUB_TUNNEL2, TUNNEL_PORT, "https://hub/"], world.edge2,
                               environment=environment)
    said = done.stdout + done.stderr
    expect("CRYPTO_ERROR(0x178)" in said, f"it is told no_application_protocol: {said[-900:]}")
    return said


@case(carrier="quic")
def another_application(world):
    """It is refused within the handshake, and told why."""
    hub, serves = pair(world)
    ask_as_another_application(world)
    refused = hub.await_event("handshake_failed", reason="tls_failed")
    expect("application protocol" in refused["error"].lower(), f"the event names what failed: {refused}")
    serves()


@case(timeout=120, carrier="quic")
def clients_prove_their_addresses_once_handshakes_hang(world):
    """From half of those on that may be unfinished, by Retry: ngtcp2's own client does, and so does an edge."""
    hub, serves = pair(world, node={"workers": 1}, limits={"handshakes": 8}, tunnel={"handshake": "60s"})
    expect("type=Retry" not in ask_as_another_application(world), "at first nobody has to")
    for number in range(5):
        QuicClient(world, f"hangs-{number}", "vanish").await_end()
    until(lambda: "type=Retry" in ask_as_another_application(world), "a client is asked to prove its address")
    QuicClient(world, "edge-2", *log_in(hub.add_edge("edge-2"))).await_said("listenPorts")
    door = hub.look("tunnels")["quic_door"]
    expect(door["retries"] >= 2 and door["accepted"] >= 7, f"both were counted: {door}")
    expect(f"{door['retries']} asked to prove their address" in hub.ctl("tunnels"), hub.ctl("tunnels"))
    metric = f'penstock_quic_door_total{{outcome="retries"}} {door["retries"]}\n'
    expect(metric in hub.ctl("metrics"), f"the metrics have {metric}")
    serves()


def opening(port=7000):
    """How a stream begins that is a flow."""
    line = proxy_line(port)
    return b"\1" + struct.pack(">H", len(line)) + line


@case(timeout=120, carrier="quic")
def clients_that_do_not_say_who_they_are(world):
    """A good handshake of QUIC with our application protocol, and then no EDGE line."""
    hub, serves = pair(world, tunnel={"handshake": "2s"})
    silent = [QuicClient(world, f"silent-{n}", *actions) for n, actions in enumerate((
        (), (control(b"EDGE edge-1 "),), (f"datagram:{secrets.token_bytes(100).hex()}",)))]
    lines = (b"GET / HTTP/1.1\r\n\r\n", b"EDGE\n", b"EDGE a b c d\n", b"EDGE " + b"x" * 5000, bytes(600), b"\n")
    for number, line in enumerate(lines):
        said = QuicClient(world, f"stranger-{number}", control(line)).await_end()
        expect("established" in said and "bad_handshake" in said, f"{line[:20]!r} is refused, and told why: {said}")
        expect("listenPorts" not in said, f"{line[:20]!r} is told nothing else: {said}")
    for client in silent:
        said = client.await_end()
        expect("established" in said and "listenPorts" not in said, f"silence is told nothing: {said}")
        expect("closed 67" in said, f"it is told handshake_timeout: {said}")
    expect_equal(len(hub.events("handshake_failed", reason="bad_handshake")), len(lines), "events of broken lines")
    expect_equal(len(hub.events("handshake_failed", reason="handshake_timeout")), len(silent), "events of silence")
    expect_equal([hub.count("bad_handshake"), hub.count("handshake_timeout")], [len(lines), len(silent)], "counts")
    serves()


@case(carrier="quic")
def a_wrong_secret(world):
    """It is refused, and told why; after a few of them that source is not heard any more."""
    hub, serves = pair(world, limits={"auth_failures_per_minute": 3})
    for number, edge in enumerate(("edge-1", "edge-1", "nobody")):
        said = QuicClient(world, f"wrong-{number}", edge_line(edge, secrets.token_urlsafe(32))).await_end()
        expect('"auth_failed"' in said and "listenPorts" not in said, f"a wrong secret of {edge} is refused: {said}")
    late = QuicClient(world, "late", *log_in(hub.add_edge("edge-2"))).await_end()
    expect('"auth_rate"' in late, f"even the right one is refused now: {late}")
    hub.await_count("auth_failed", 3)
    hub.await_count("auth_rate", 1)
    expect_equal(len(hub.events("auth_failed")), 3, "events of wrong secrets")
    serves()


@case(carrier="quic")
def streams_before_the_answer(world):
    """Who has not said who he is has the control stream and no other; an edge may have as many as the hub has flows."""
    hub, serves = pair(world, limits={"flows": 50}, tunnel={"handshake": "2s"})
    stranger = QuicClient(world, "stranger", control(b"EDGE"), "times:1000", stream(opening())).await_end()
    expect_equal(stranger.count("refused a stream"), 1000, "streams that a stranger may not open")
    serves()
    client = QuicClient(world, "edge-2", *log_in(hub.add_edge("edge-2")), "times:100", stream(opening() + b"hello"))
    client.await_said(": hello")
    expect_equal(client.said().count("refused a stream"), 50, "streams beyond the hub's flows")
    expect_equal(hub.events("carrier_down"), [], "carriers that ended")


@case(carrier="quic")
def unfinished_handshakes_over_quic_are_limited(world):
    hub, serves = pair(world, limits={"handshakes_per_source": 4})
    silent = [QuicClient(world, f"silent-{number}") for number in range(4)]
    for client in silent:
        client.await_said("established")
    said = QuicClient(world, "one-more").await_end()
    expect("handshake_limit" in said or "closed 68" in said, f"one more is refused, and told why: {said}")
    hub.await_count("handshake_limit")
    serves()


@case(timeout=120, carrier="quic")
def first_packets_in_the_name_of_an_edge(world):
    """Whoever sends them takes no place from that edge, neither over QUIC nor over TLS."""
    hub, serves = pair(world, node={"workers": 1}, limits={"handshakes_per_source": 4}, tunnel={"handshake": "60s"})
    for number in range(12):
        QuicClient(world, f"forged-{number}", "vanish").await_end()
    until(lambda: hub.look("tunnels")["quic_door"]["retries"] >= 8, "from half of a source's on, proof is asked for")
    expect_equal(hub.look("tunnels")["quic_door"]["refused"], 0, "first packets that were refused")
    token = hub.add_edge("edge-2")
    QuicClient(world, "edge-2", *log_in(token)).await_said("listenPorts")
    Carrier(world, world.edge2, hub=HUB_TUNNEL2).log_in(token)
    expect_equal(hub.count("handshake_limit"), 0, "handshakes that the hub refused")
    serves()


@case(timeout=120, carrier="quic")
def limits_of_handshakes_follow_the_file(world):
    hub, serves = pair(world, node={"workers": 1}, limits={"handshakes_per_source": 40}, tunnel={"handshake": "60s"})
    carriers = hub.look("tunnels")["quic_door"]["accepted"]
    for number in range(4):
        QuicClient(world, f"before-{number}", "vanish").await_end()
    until(lambda: hub.look("tunnels")["quic_door"]["accepted"] == carriers + 4, "the first ones are taken")
    hub.write_config({"limits": {"handshakes_per_source": 2}})
    hub.reload()
    QuicClient(world, "after", "vanish").await_end()
    until(lambda: hub.look("tunnels")["quic_door"]["refused"] == 1, "beyond the new number they are refused")
    serves()


# What an edge must not say on its control stream, and the word that the hub's error has.
BREACHES = {
    "an unknown type": (frame(1, 0x7F), "0x7f"),
    "a length beyond every limit": (HEADER.pack(0, REPORT, 0xFFFFFFFF), "REPORT"),
    "a HELLO longer than it may be": (HEADER.pack(0, HELLO, 5000) + bytes(5000), "HELLO"),
    "a second HELLO": (frame(0, HELLO, b"{}"), "HELLO"),
    "CONFIG_RESULT that is no JSON": (frame(0, CONFIG_RESULT, b"not json"), "CONFIG_RESULT"),
    "PING on a stream": (frame(1, PING, b"12345678"), "PING"),
    "an OPEN, which is a stream's": (frame(1, OPEN, proxy_line(7000)), "OPEN"),
    "DATA, which is a stream's": (frame(1, DATA, b"x"), "DATA"),
    "CLOSE, which is a stream's": (frame(1, CLOSE), "CLOSE"),
    "UDP_OPEN, which is a datagram's": (session_opened(1, 7001), "UDP_OPEN"),
    "UDP_DATA, which is a datagram's": (frame(0x80000001, UDP_DATA, b"x"), "UDP_DATA"),
}


@case(timeout=120, carrier="quic")
def a_broken_edge_over_quic(world):
    """Its carrier ends, with an error that names frame and offset; the hub's others do not notice."""
    hub, serves = pair(world)
    token = hub.add_edge("edge-2")
    for number, (text, (data, word)) in enumerate(BREACHES.items()):
        seen = len(hub.events("carrier_down", edge="edge-2"))
        said = QuicClient(world, f"broken-{number}", *log_in(token), control(data)).await_end()
        expect("listenPorts" in said, f"{text}: it was an edge before: {said}")
        down = until(lambda seen=seen: hub.events("carrier_down", edge="edge-2")[seen:], f"the carrier ends: {text}")[0]
        expect_equal(down["reason"], "protocol_error", f"{text}: reason in {down}")
        for part in (word, "frame", "offset"):
            expect(part in down["error"], f"{text}: the error names {part}: {down['error']}")
    hub.await_count("protocol_error", len(BREACHES))
    serves()


@case(timeout=120, carrier="quic")
def streams_and_datagrams_that_make_no_sense(world):
    """Of an edge that has the right secret: they end, and its carrier goes on."""
    hub, serves = pair(world)
    streams = (b"", b"\0", b"\1", b"\1\xff\xff" + bytes(16000), b"\x7f\0", opening()[:10], b"\x0c", b"\x0c\0",
               b"\x0c" + bytes(16000))
    datagrams = (b"", b"\0", b"\x3f", b"\x7f\xff\xff\xff", b"\x80\0\0\1\0\1\0", b"\x80\0\0\1\0\1\5\4x",
                 b"\x80\0\0\1\0\1\0\4" * 100, b"\xc0\0\0\1x", b"\x40\0\0\1" + bytes(28), secrets.token_bytes(900))
    actions = [f"end:{data.hex()}" for data in streams] + [f"datagram:{data.hex()}" for data in datagrams]
    good = stream(opening() + b"a good flow")
    client = QuicClient(world, "senseless", *log_in(hub.add_edge("edge-2")), *actions, good)
    client.await_said(": a good flow")
    hub.await_count("malformed")
    hub.await_count("bad_open")
    expect_equal(hub.events("carrier_down"), [], "carriers that ended")
    serves()


@case(timeout=120, carrier="quic")
def an_edge_that_never_reads(world):
    """Its backends send without end, and it asks and asks for answers: what waits for it is bounded."""
    listener = world.listen(7002)
    hub, serves = pair(world)
    hub.add_service("endless", ports=7002, target=BACKEND_V4)
    before = hub.process.resident_bytes()
    questions = frame(0, PING, bytes(64)) * 400
    QuicClient(world, "deaf", *log_in(hub.add_edge("edge-2")), "deaf", "times:100", stream(opening(7002)),
               "times:500", control(questions))
    backends = [world.accept(listener) for _ in range(100)]
    for backend in backends:
        backend.setblocking(False)
    until(lambda: sum(push(backend) for backend in backends) == 0, "all backends are held back", 30)
    until(lambda: received_from_edge(hub) > 256 * KiB, "the edge asked for more answers than are kept")
    serves()
    expect(received_from_edge(hub) < 1 * MiB, f"nothing more is read of it: {received_from_edge(hub)} bytes")
    grown = hub.process.resident_bytes() - before
    expect(grown < 32 * MiB, f"the hub grew by {grown / MiB:.0f} MiB for an edge that does not read")
    ended = hub.await_event("carrier_down", 30, edge="edge-2")
    expect_equal(ended["reason"], "peer_silent", "why it ended")
    serves()


def push(connection):
    """Bytes that a connection takes now."""
    try:
        return connection.send(bytes(MiB))
    except BlockingIOError:
        return 0


def received_from_edge(hub):
    """Bytes that came on the carriers of the second edge."""
    return sum(int(carrier["received"]) for tunnel in hub.look("tunnels")["tunnels"] if tunnel["edge"] == "edge-2"
               for carrier in tunnel["carriers"])
