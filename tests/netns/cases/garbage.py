"""Bytes that make no sense, to every listener; and an edge that has the right secret and breaks the protocol."""

import secrets
import socket

from harness.carrier import (CLOSE, CONFIG_RESULT, DATA, DATA_BACK, HEADER, HELLO, INITIAL_CREDIT, OPEN, PING, RESET,
                             WINDOW_UPDATE, Carrier, frame, proxy_line)
from harness.runner import case
from harness.sockets import expect_echo, expect_refused_flow, receive
from harness.topology import BACKEND_V4, EDGE_OTHER, HUB_TUNNEL
from harness.wait import expect, expect_equal, until
from harness.world import TUNNEL_PORT

ECHO = {"name": "echo", "ports": 7000, "target": BACKEND_V4}
HTTP_PORT = 9180
CLIENT_HELLO_START = bytes.fromhex("16030100c8010000c40303") + bytes(20)
GARBAGE = {
    "nothing": b"",
    "random bytes": secrets.token_bytes(70_000),
    "half a TLS hello": CLIENT_HELLO_START,
    "a TLS record of the largest length": b"\x16\x03\x01\xff\xff" + bytes(70_000),
    "HTTP": b"GET / HTTP/1.1\r\nHost: hub\r\n\r\n",
    "a huge line": b"A" * 3_000_000,
    "zeros": bytes(100_000),
}


def throw(world, connection, data):
    """Sends what the other side takes, ends our direction, and reads until it closes or 5 s have passed."""
    connection = world.keep(connection)
    connection.settimeout(5.0)
    answer = bytearray()
    try:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        while piece := connection.recv(65536):
            answer += piece
    except OSError:
        pass
    return bytes(answer)


def unix_connection(path):
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(path))
    return connection


@case(short=True, timeout=120, carrier="tls")
def strangers_at_the_tunnel_port(world):
    world.echo_backend(7000)
    hub, edge = world.pair([ECHO], hub={"tunnel": {"handshake": "2s"}})
    client = world.connect(7000)
    expect_echo(client)
    for text, data in GARBAGE.items():
        answer = throw(world, world.edge.connect(HUB_TUNNEL, TUNNEL_PORT, EDGE_OTHER), data)
        expect(b"EDGE" not in answer and b"listenPorts" not in answer, f"{text} is told nothing: {answer!r}")
    waiting = world.keep(world.edge.connect(HUB_TUNNEL, TUNNEL_PORT, EDGE_OTHER))  # says nothing and stays
    waiting.sendall(CLIENT_HELLO_START)
    hub.await_count("handshake_timeout")
    hub.await_count("tls_failed")
    expect_echo(client)
    expect_equal(len(hub.events("edge_connected")), 1, "edges that connected")
    expect_equal(edge.connected(), True, "the edge is connected")


@case(short=True, carrier="tls")
def strangers_behind_tls(world):
    """A good TLS handshake, and then no EDGE line."""
    world.echo_backend(7000)
    hub, _ = world.pair([ECHO], hub={"tunnel": {"handshake": "2s"}})
    for data in (b"GET / HTTP/1.1\r\n\r\n", b"EDGE\n", b"EDGE edge-1\n", b"EDGE a b c d\n", b"EDGE " + b"x" * 5000,
                 secrets.token_bytes(600), b"\0" * 600, b"\n"):
        carrier = Carrier(world, source=EDGE_OTHER)
        carrier.socket.sendall(data)
        carrier.expect_cut()
    Carrier(world, source=EDGE_OTHER).expect_cut()  # says nothing at all
    hub.await_count("bad_handshake", 6)
    hub.await_count("handshake_timeout", 1)
    expect_echo(world.connect(7000))


@case(carrier="tls")
def unfinished_handshakes_are_limited(world):
    world.echo_backend(7000)
    hub, _ = world.pair([ECHO], hub={"limits": {"handshakes_per_source": 4}})
    for _ in range(4):
        world.keep(world.edge.connect(HUB_TUNNEL, TUNNEL_PORT, EDGE_OTHER))
    expect_refused_flow(lambda: world.keep(world.edge.connect(HUB_TUNNEL, TUNNEL_PORT, EDGE_OTHER)))
    hub.await_count("handshake_limit")
    expect_echo(world.connect(7000))


@case()
def a_public_port_carries_any_bytes(world):
    """To a service without a header the bytes are the client's own, whatever they are."""
    listener = world.listen(7000)
    hub, _ = world.pair([ECHO])
    for text, data in GARBAGE.items():
        if not data:
            continue
        client, backend = world.flow(7000, listener)
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        expect_equal(receive(backend, len(data)), data, f"{text} at the backend")
        client.close()
        backend.close()
    hub.await_count("completed", len(GARBAGE) - 1)


@case(short=True, timeout=120)
def strangers_at_the_admin_listeners(world):
    world.echo_backend(7000)
    hub, _ = world.pair([ECHO], hub={"admin": {"http": f"127.0.0.1:{HTTP_PORT}"}})
    requests = {
        **GARBAGE,
        "a huge header": b"GET /live HTTP/1.1\r\nX: " + b"y" * 200_000 + b"\r\n\r\n",
        "a huge body": b"POST /v1/services HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n" + bytes(3_000_000),
        "deep JSON": post(b"[" * 100_000),
        "a negative length": b"POST /v1/services HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        "no JSON": post(b"ports=80"),
        "no such method": b"BREW /v1/services HTTP/1.1\r\nHost: x\r\n\r\n",
    }
    for text, data in requests.items():
        for connection in (unix_connection(hub.socket), world.hub.connect("127.0.0.1", HTTP_PORT)):
            answer = throw(world, connection, data)
            expect(not answer.startswith(b"HTTP/1.1 2"), f"{text} is refused: {answer[:100]!r}")
    expect_equal([row["name"] for row in hub.look("services")["services"]], ["echo"], "services")
    expect_echo(world.connect(7000))


def post(body):
    return b"POST /v1/services HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def opened(stream):
    return frame(stream, OPEN, proxy_line(7000))


# What a broken edge sends after its handshake, and the word that the hub's error must have; tried in both modes.
BREACHES = {
    "an unknown type": (frame(1, 0x7F), "0x7f"),
    "type 0": (frame(1, 0x00), "0x00"),
    "DATA after CLOSE": (opened(1) + frame(1, CLOSE) + frame(1, DATA, b"x"), "DATA"),
    "CLOSE twice": (opened(1) + frame(1, CLOSE) * 2, "CLOSE"),
    "a length beyond every limit": (HEADER.pack(1, DATA, 0xFFFFFFFF), "DATA"),
    "an OPEN longer than a PROXY line": (HEADER.pack(1, OPEN, 5000) + bytes(5000), "OPEN"),
    "an OPEN for stream 0": (frame(0, OPEN, proxy_line(7000)), "OPEN"),
    "an OPEN twice": (opened(1) + opened(1), "OPEN"),
    "an OPEN that does not increase": (opened(5) + opened(3), "OPEN"),
    "DATA never opened": (frame(9, DATA, b"x"), "DATA"),
    "CLOSE never opened": (frame(9, CLOSE), "CLOSE"),
    "CLOSE with a payload": (opened(1) + frame(1, CLOSE, b"x"), "CLOSE"),
    "WINDOW_UPDATE of three bytes": (opened(1) + frame(1, WINDOW_UPDATE, b"abc"), "WINDOW_UPDATE"),
    "a hub's frame from an edge": (opened(1) + frame(1, DATA_BACK, b"x"), "DATA_BACK"),
    "PING on a stream": (frame(1, PING, b"12345678"), "PING"),
}
PENSTOCK_BREACHES = {
    "RESET of one byte": (opened(1) + frame(1, RESET, b"x"), "RESET"),
    "CONFIG_RESULT that is no JSON": (frame(0, CONFIG_RESULT, b"not json"), "CONFIG_RESULT"),
    "a second HELLO": (frame(0, HELLO, b"{}"), "HELLO"),
}


def check_breach(world, hub, token, text, data, word, hello):
    """The carrier ends, and the hub says at which frame and offset."""
    seen = len(hub.events("carrier_down", edge="edge-2"))
    carrier = Carrier(world, source=EDGE_OTHER)
    carrier.log_in(token, hello)
    try:
        carrier.socket.sendall(data)
    except OSError:
        pass  # cut while we were still sending
    carrier.expect_cut()
    mode = "penstock" if hello else "legacy"
    down = until(lambda: hub.events("carrier_down", edge="edge-2")[seen:], f"the carrier of {text} ({mode}) ends")[0]
    expect_equal(down["reason"], "protocol_error", f"{text} ({mode}): reason in {down}")
    for part in (word, "frame", "offset"):
        expect(part in down["error"], f"{text} ({mode}): the error names {part}: {down['error']}")


def broken_edge(world, breaches, hello):
    world.echo_backend(7000)
    hub, edge = world.pair([ECHO])
    token = hub.add_edge("edge-2")
    client = world.connect(7000)
    expect_echo(client)
    for text, (data, word) in breaches.items():
        check_breach(world, hub, token, text, data, word, hello)
        expect_echo(client)
    hub.await_count("protocol_error", len(breaches))
    expect_equal(len(edge.events("tunnel_up")), 1, "the good edge's tunnel stayed up")
    expect_equal(hub.events("carrier_down", edge="edge-1"), [], "carriers of the good edge that ended")


@case(short=True, carrier="tls")
def a_broken_edge_in_penstock_mode(world):
    broken_edge(world, {**BREACHES, **PENSTOCK_BREACHES}, hello=True)


@case(short=True, carrier="tls")
def a_broken_edge_in_legacy_mode(world):
    newer = {"RESET, which legacy peers do not have": (frame(1, RESET, b"\0\1"), "RESET")}
    broken_edge(world, {**BREACHES, **newer}, hello=False)


@case(carrier="tls")
def an_edge_that_sends_more_than_it_was_granted(world):
    """Only that stream is ended: its backend does not read, and nothing beyond the window is kept for it."""
    world.listen(7000)
    world.echo_backend(7001)
    hub, _ = world.pair([{"name": "raw", "ports": "7000-7001", "target": BACKEND_V4}])
    carrier = Carrier(world, source=EDGE_OTHER)
    carrier.log_in(hub.add_edge("edge-2"))
    carrier.open(1, 7000)
    for _ in range(4000):
        carrier.send(1, DATA, bytes(INITIAL_CREDIT))
    payload = carrier.receive_kind(RESET, 1)
    expect_equal(int.from_bytes(payload[:2], "big"), 30, "reason in RESET: window_exceeded")
    closed = hub.await_event("stream_closed", edge="edge-2", reason="window_exceeded")
    expect("offset" in closed["text"], f"the event says where: {closed}")
    carrier.open(2, 7001)
    carrier.send(2, DATA, b"hello")
    expect_equal(carrier.receive_kind(DATA_BACK, 2), b"hello", "another stream of the same carrier")
    hub.await_count("late_frame")


@case(carrier="tls")
def a_port_that_is_not_the_edges(world):
    """Only that stream is refused, not the carrier."""
    world.echo_backend(7000)
    hub, _ = world.pair([ECHO])
    carrier = Carrier(world, source=EDGE_OTHER)
    carrier.log_in(hub.add_edge("edge-2"))
    carrier.open(1, 22)
    payload = carrier.receive_kind(RESET, 1)
    expect_equal(int.from_bytes(payload[:2], "big"), 23, "reason in RESET: not_assigned")
    carrier.open(2, 7000)
    carrier.send(2, DATA, b"hello")
    expect_equal(carrier.receive_kind(DATA_BACK, 2), b"hello", "another stream of the same carrier")
    hub.await_count("not_assigned")
    hub.await_event("stream_closed", edge="edge-2", reason="not_assigned")


@case(carrier="tls")
def an_open_that_cannot_be_read(world):
    world.echo_backend(7000)
    hub, _ = world.pair([ECHO])
    carrier = Carrier(world, source=EDGE_OTHER)
    carrier.log_in(hub.add_edge("edge-2"))
    for stream, line in enumerate((b"", b"PROXY TCP4 1.2.3.4\r\n", b"PROXY TCP4 999.0.0.1 192.0.2.1 1 7000\r\n",
                                   b"PROXY UNKNOWN\r\n", secrets.token_bytes(60)), start=1):
        carrier.send(stream, OPEN, line)
        payload = carrier.receive_kind(RESET, stream)
        expect_equal(int.from_bytes(payload[:2], "big"), 37, f"reason in RESET for {line!r}: bad_open")
    carrier.open(100, 7000)
    carrier.send(100, DATA, b"hello")
    expect_equal(carrier.receive_kind(DATA_BACK, 100), b"hello", "a good stream of the same carrier")
    hub.await_count("bad_open", 5)


@case(carrier="tls")
def frames_for_a_stream_that_is_gone(world):
    """They were under way when it ended: discarded and counted."""
    world.echo_backend(7000)
    hub, _ = world.pair([ECHO])
    carrier = Carrier(world, source=EDGE_OTHER)
    carrier.log_in(hub.add_edge("edge-2"))
    carrier.open(1, 7000)
    carrier.send(1, RESET, b"\0\x10gone")
    for kind, payload in ((DATA, b"late"), (WINDOW_UPDATE, b"\0\0\0\1"), (CLOSE, b""), (RESET, b"\0\x10")):
        carrier.send(1, kind, payload)
    carrier.open(2, 7000)
    carrier.send(2, DATA, b"hello")
    expect_equal(carrier.receive_kind(DATA_BACK, 2), b"hello", "the next stream")
    hub.await_count("late_frame", 1)
    hub.await_event("stream_closed", edge="edge-2", reason="client_reset")


@case(carrier="tls")
def a_silent_edge_is_given_up(world):
    """It answers no PING."""
    hub, _ = world.pair(hub={"tunnel": {"ping": "200ms", "timeout": "600ms"}})
    carrier = Carrier(world, source=EDGE_OTHER)
    carrier.log_in(hub.add_edge("edge-2"))
    carrier.expect_cut()
    hub.await_event("carrier_down", edge="edge-2", reason="peer_silent")
