"""An edge that has the right secret and breaks the protocol of sessions; and sources that no client can have."""

import select

from harness.carrier import (HELLO, SESSION_BIT, UDP_CLOSE, UDP_DATA, UDP_DATA_BACK, UDP_OPEN, UDP_OPEN_ACK, Carrier,
                             frame, proxy_v2, session_opened)
from harness.datagrams import ask, dropped, row_of
from harness.raw import raw_socket, send_udp
from harness.runner import case
from harness.topology import BACKEND_V4, EDGE_OTHER, EDGE_V4
from harness.wait import expect, expect_equal, until

ECHO = {"name": "echo", "protocol": "udp", "ports": 7000, "target": BACKEND_V4}
BAD_OPEN, NOT_ASSIGNED = 37, 23
MiB = 1 << 20
ID = SESSION_BIT | 1 << 20  # the first that an edge gives: slot 0 in its first generation

# What a broken edge sends after its HELLO, and the word that the hub's error must have.
BREACHES = {
    "a session without the bit of sessions": (frame(5, UDP_OPEN, proxy_v2(7000)), "UDP_OPEN"),
    "a datagram without it": (frame(5, UDP_DATA, b"x"), "UDP_DATA"),
    "an end without it": (frame(5, UDP_CLOSE), "UDP_CLOSE"),
    "session 0": (frame(0, UDP_OPEN, proxy_v2(7000)), "UDP_OPEN"),
    "a hub's datagram from an edge": (session_opened(1, 7000) + frame(SESSION_BIT | 1, UDP_DATA_BACK), "UDP_DATA_BACK"),
    "a hub's acknowledgement": (frame(SESSION_BIT | 1, UDP_OPEN_ACK), "UDP_OPEN_ACK"),
    "an open of 5000 bytes": (frame(ID, UDP_OPEN, bytes(5000)), "UDP_OPEN"),
    "an open of 3 bytes": (frame(ID, UDP_OPEN, b"abc"), "UDP_OPEN"),
    "a datagram larger than any": (frame(ID, UDP_DATA, bytes(65508)), "UDP_DATA"),
    "an end with a payload": (session_opened(1, 7000) + frame(SESSION_BIT | 1, UDP_CLOSE, b"x"), "UDP_CLOSE"),
    "a second HELLO among sessions": (session_opened(1, 7000) + frame(0, HELLO, b"{}"), "HELLO"),
}


def broken_carrier(world, hub, name="edge-2"):
    carrier = Carrier(world, source=EDGE_OTHER)
    carrier.log_in(hub.add_edge(name))
    return carrier


@case(short=True)
def a_broken_edge(world):
    world.udp_echo(7000)
    hub, edge = world.pair([ECHO])
    client = world.udp_client(7000)
    ask(client, b"before")
    token = hub.add_edge("edge-2")
    for text, (data, word) in BREACHES.items():
        seen = len(hub.events("carrier_down", edge="edge-2"))
        carrier = Carrier(world, source=EDGE_OTHER)
        carrier.log_in(token)
        try:
            carrier.socket.sendall(data)
        except OSError:
            pass  # cut while we were still sending
        carrier.expect_cut()
        down = until(lambda seen=seen: hub.events("carrier_down", edge="edge-2")[seen:], f"the carrier ends: {text}")[0]
        expect_equal(down["reason"], "protocol_error", f"{text}: reason in {down}")
        for part in (word, "frame", "offset"):
            expect(part in down["error"], f"{text}: the error names {part}: {down['error']}")
        ask(client, b"meanwhile")
    expect_equal(hub.events("carrier_down", edge="edge-1"), [], "carriers of the good edge that ended")
    expect_equal(len(edge.events("session_opened")), 1, "sessions of the good edge")


@case(short=True)
def an_open_that_cannot_be_read(world):
    world.udp_echo(7000)
    hub, _ = world.pair([ECHO])
    carrier = broken_carrier(world, hub)
    good = proxy_v2(7000)
    unreadable = [bytes(28), good[:12] + b"\x20" + good[13:], good[:13] + b"\x11" + good[14:],
                  good[:13] + b"\x31" + good[14:], good[:14] + b"\0\x0b" + good[16:],
                  good[:14] + b"\xff\xff" + good[16:], good + b"\0" * 8]
    for session, header in enumerate(unreadable, start=1):
        carrier.send(SESSION_BIT | session, UDP_OPEN, header)
        carrier.expect_refused_session(session, BAD_OPEN)
        carrier.send(SESSION_BIT | session, UDP_DATA, b"of a session that was refused")
    hub.await_count("bad_open", len(unreadable))
    carrier.expect_session_echo(100, 7000)
    expect_equal(len(hub.sessions("--edge", "edge-2")), 1, "sessions")
    expect_equal(row_of(hub, "", "tunnel_to_backend")["reasons"], {"no_session": len(unreadable)}, "what was dropped")


@case()
def a_port_that_is_not_the_edges(world):
    """Not one that nobody has, not one of another edge, not one that is TCP."""
    world.udp_echo(7000)
    hub, _ = world.pair([ECHO, {**ECHO, "name": "other", "ports": 7001, "edges": "edge-1"},
                         {"name": "tcp", "ports": 7002, "target": BACKEND_V4}])
    carrier = broken_carrier(world, hub)
    for session, port in enumerate((22, 7001, 7002, 0), start=1):
        carrier.open_session(session, port, b"let me in")
        carrier.expect_refused_session(session, NOT_ASSIGNED)
    hub.await_count("not_assigned", 4)
    carrier.expect_session_echo(100, 7000)


@case(short=True)
def datagrams_for_nothing(world):
    world.udp_echo(7000)
    hub, _ = world.pair([ECHO])
    carrier = broken_carrier(world, hub)
    for n in range(1000):
        carrier.send(SESSION_BIT | n * 7919 * 1009 % SESSION_BIT, UDP_DATA, b"for nobody")
    carrier.send(SESSION_BIT | 77, UDP_CLOSE)
    carrier.expect_session_echo(100, 7000)
    carrier.send(SESSION_BIT | 100, UDP_CLOSE)
    carrier.send(SESSION_BIT | 100, UDP_CLOSE)
    carrier.send(SESSION_BIT | 100, UDP_DATA, b"too late")
    until(lambda: row_of(hub, "", "tunnel_to_backend")["dropped"] == 1001, "all are counted")
    expect(set(dropped(hub)) <= {"no_session", "stale_session"}, f"as what they were: {dropped(hub)}")
    hub.await_event("session_closed", edge="edge-2", service="echo")
    carrier.expect_session_echo(101, 7000)


@case(short=True)
def an_id_that_is_opened_twice(world):
    """For the same client it is the same session; for another the first one is over."""
    backend = world.udp_backend(7000)
    hub, _ = world.pair([ECHO])
    carrier = broken_carrier(world, hub)
    sources = []
    for payload, client_port in ((b"one", 40000), (b"one again", 40000), (b"two", 40001)):
        carrier.open_session(1, 7000, payload, client_port=client_port)
        data, source = backend.recvfrom(100)
        expect_equal(data, payload, "what the backend gets")
        sources.append(source)
    expect(sources[0] == sources[1] != sources[2], f"a source for each client: {sources}")
    expect_equal([row["client"] for row in hub.sessions("--edge", "edge-2")], ["192.0.2.77:40001"], "sessions")


@case(short=True, timeout=90)
def an_edge_that_opens_sessions_without_end(world):
    """It takes what memory it may, and pushes out its own sessions alone, not the assured ones of another edge."""
    world.udp_echo(7000)
    world.udp_backend(7001)
    hub, _ = world.pair([ECHO, {**ECHO, "name": "sink", "ports": 7001}], hub={"limits": {"sessions": 256}})
    client = world.udp_client(7000)
    for n in range(3):
        ask(client, b"before %d" % n)
    good = [row["id"] for row in hub.sessions("--edge", "edge-1")]
    carrier = broken_carrier(world, hub)
    resident = hub.process.resident_bytes()
    frames = [session_opened(n, 7001, client=f"203.0.{n >> 8}.{n & 255}") + frame(SESSION_BIT | n, UDP_DATA, b"flood")
              for n in range(1, 20_001)]
    for first in range(0, len(frames), 500):
        carrier.socket.sendall(b"".join(frames[first:first + 500]))
        read_what_is_there(carrier)
    hub.await_count("evicted", 1000)
    ask(client, b"after")
    expect(len(hub.sessions()) <= 256, "sessions")
    expect_equal([row["id"] for row in hub.sessions("--edge", "edge-1")], good, "sessions of the good edge")
    grown = hub.process.resident_bytes() - resident
    expect(grown < 64 * MiB, f"the hub grew by {grown / MiB:.0f} MiB")


def read_what_is_there(carrier):
    """RESETs and acknowledgements, which nobody looks at."""
    while carrier.socket.pending() or select.select([carrier.socket], [], [], 0)[0]:
        expect(carrier.socket.recv(1 << 16), "the hub keeps the carrier")


@case(timeout=90)
def an_edge_that_opens_sessions_and_reads_nothing(world):
    """What waits for it is bounded: the carrier may end, the hub lives and serves the others."""
    world.udp_echo(7000)
    hub, _ = world.pair([ECHO])
    client = world.udp_client(7000)
    ask(client, b"before")
    carrier = broken_carrier(world, hub)
    resident = hub.process.resident_bytes()
    carrier.socket.settimeout(1.0)
    block = b"".join(session_opened(n, 22) + frame(SESSION_BIT | n, UDP_DATA, b"x") for n in range(1, 10_001))
    try:
        for _ in range(40):
            carrier.socket.sendall(block)
    except OSError:
        pass  # cut, or held back
    for n in range(20):
        ask(client, b"meanwhile %d" % n)
    grown = hub.process.resident_bytes() - resident
    expect(grown < 64 * MiB, f"the hub grew by {grown / MiB:.0f} MiB")


@case(short=True)
def sources_that_no_client_can_have(world):
    """Port 0, loopback, multicast, the edge's own service: dropped and counted, never answered."""
    world.udp_echo(7000)
    hub, edge = world.pair([ECHO])
    for device in ("all", "client"):
        world.processes.run(["sysctl", "-qw", f"net.ipv4.conf.{device}.rp_filter=0"], world.edge)
    forged = [(BACKEND_V4, 0), ("224.0.0.9", 4000), (EDGE_V4, 7000)]
    raw = world.keep(raw_socket(world.client))
    for source, port in forged:
        send_udp(raw, (source, port), (EDGE_V4, 7000), b"forged")
    ask(world.udp_client(7000), b"a real client")
    expect_equal(len(edge.sessions()), 1, "sessions")
    expect(set(dropped(edge)) <= {"bad_source"}, f"what the edge dropped: {dropped(edge)}")
    edge.await_count("bad_source")  # the system itself may keep some of them from us
    expect_equal(len(hub.events("session_opened")), 1, "sessions at the hub")
