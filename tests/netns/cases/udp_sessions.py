"""UDP sessions: datagrams of every size, answers to those who asked, and how a session begins and ends."""

import secrets

from harness.datagrams import LARGEST, ask, expect_all_arrived, expect_nothing, name_of, port_of, row_of
from harness.runner import case
from harness.topology import BACKEND_V4, BACKEND_V6, CLIENTS_V4, CLIENTS_V6, EDGE_V4, EDGE_V6
from harness.wait import expect, expect_equal, until

ECHO = {"name": "echo", "protocol": "udp", "ports": 7000, "target": BACKEND_V4}
SIZES = sorted({*range(0, LARGEST + 1, 199), *range(5), *range(1470, 1475), *range(1498, 1503),
                *range(16373, 16386), *range(LARGEST - 3, LARGEST + 1)})
BRIEF = {"flow": {"unreplied": "1s"}}


def check_every_size(hub, edge, client):
    for size in SIZES:
        ask(client, secrets.token_bytes(size))
    for node in (hub, edge):
        session, = node.sessions("--client", name_of(client.getsockname()))
        wanted = {"datagrams": len(SIZES), "bytes": sum(SIZES)}
        expect_equal((session["to_backend"], session["to_client"]), (wanted, wanted), f"the session at {node.name}")
        expect_equal(session["state"], "assured", f"state at {node.name}")
    expect_all_arrived(hub, edge)


@case(short=True)
def every_size_comes_back_over_ipv4(world):
    world.udp_echo(7000)
    hub, edge = world.pair([ECHO])
    check_every_size(hub, edge, world.udp_client(7000))


@case()
def every_size_comes_back_over_ipv6(world):
    world.udp_echo(7000, BACKEND_V6)
    hub, edge = world.pair([{**ECHO, "target": f"[{BACKEND_V6}]:7000"}])
    check_every_size(hub, edge, world.udp_client(7000, EDGE_V6))


@case(short=True)
def a_session_is_unreplied_replied_and_assured(world):
    backend = world.udp_backend(7000)
    hub, edge = world.pair([ECHO])
    client = world.udp_client(7000, source=CLIENTS_V4[3])
    address = name_of(client.getsockname())
    client.send(b"first")
    data, source = backend.recvfrom(100)
    expect_equal(data, b"first", "what the backend gets")
    expect_state(hub, edge, "unreplied")
    backend.sendto(b"answer", source)
    expect_equal(client.recv(100), b"answer", "what the client gets")
    expect_state(hub, edge, "replied")
    client.send(b"second")
    expect_equal(backend.recvfrom(100), (b"second", source), "the second datagram and who sends it")
    expect_state(hub, edge, "assured")
    for node in (hub, edge):
        session, = node.sessions("--client", CLIENTS_V4[3], "--service", "echo", "--state", "assured")
        expect_equal((session["client"], session["local"]), (address, f"{EDGE_V4}:7000"), f"ends at {node.name}")
        expect_equal((session["service"], session["edge"]), ("echo", "edge-1"), f"session at {node.name}")
        expect_equal(session["to_backend"], {"datagrams": 2, "bytes": 11}, f"to the backend at {node.name}")
        expect_equal(session["to_client"], {"datagrams": 1, "bytes": 6}, f"to the client at {node.name}")
        expect_equal(node.sessions("--client", CLIENTS_V4[4]), [], "sessions of another client")
        expect_equal(node.sessions("--client", address, "--state", "unreplied"), [], "unreplied sessions")
        node.await_event("session_opened", service="echo", client=address)
    session, = hub.sessions("--client", address)
    expect_equal((session["backend"], port_of(session["source"])), (f"{BACKEND_V4}:7000", source[1]),
                 "the backend and the source that it sees")


def expect_state(hub, edge, state):
    for node in (hub, edge):
        node.await_sessions(1, "--state", state)


@case()
def one_client_port_and_two_services(world):
    backends = {7000: world.udp_backend(7000), 7001: world.udp_backend(7001)}
    hub, edge = world.pair([ECHO, {**ECHO, "name": "other", "ports": 7001}])
    client = world.keep(world.client.udp(CLIENTS_V4[0]))
    sources = {}
    for port, backend in backends.items():
        client.sendto(b"to %d" % port, (EDGE_V4, port))
        data, sources[port] = backend.recvfrom(100)
        expect_equal(data, b"to %d" % port, f"what the backend of {port} gets")
    for port in reversed(backends):
        backends[port].sendto(b"from %d" % port, sources[port])
        expect_equal(client.recvfrom(100), (b"from %d" % port, (EDGE_V4, port)), "the answer, and from where")
    for node in (hub, edge):
        rows = node.sessions("--client", name_of(client.getsockname()))
        expect_equal(sorted(row["service"] for row in rows), ["echo", "other"], f"sessions at {node.name}")
    expect_all_arrived(hub, edge)


@case(short=True)
def a_thousand_clients_get_their_own_answers(world):
    world.udp_echo(7000)
    hub, edge = world.pair([ECHO])
    world.udp_many("ask", EDGE_V4, 7000, 1000, 3)
    for node in (hub, edge):
        rows = node.await_sessions(1000, "--state", "assured")
        expect_equal(len({row["client"] for row in rows}), 1000, f"clients at {node.name}")
        expect_equal(len({row["id"] for row in rows}), 1000, f"ids at {node.name}")
    expect_equal(len({row["source"] for row in hub.sessions()}), 1000, "sources towards one backend")
    expect_all_arrived(hub, edge)


@case(short=True)
def what_is_not_answered_ends_soon(world):
    world.udp_backend(7000)
    hub, edge = world.pair([ECHO], hub=BRIEF, edge=BRIEF)
    client = world.udp_client(7000)
    client.send(b"is anybody there?")
    for node in (hub, edge):
        closed = node.await_event("session_closed", reason="unreplied", client=name_of(client.getsockname()))
        expect_equal((closed["to_backend_datagrams"], closed["to_client_datagrams"]), (1, 0), f"counts at {node.name}")
        node.await_sessions(0)
        expect_equal(node.status()["reasons"].get("unreplied"), 1, f"sessions unreplied at {node.name}")


@case(short=True)
def an_assured_session_ends_when_idle(world):
    """... and not before: the unreplied time no longer counts."""
    world.udp_echo(7000)
    hub, edge = world.pair([{**ECHO, "udp_idle": "3s"}], hub=BRIEF, edge=BRIEF)
    client = world.udp_client(7000)
    for n in range(3):
        ask(client, b"%d of three" % n)
    for node in (hub, edge):
        closed = node.await_event("session_closed", reason="idle_timeout")
        expect_equal((closed["to_backend_datagrams"], closed["to_client_datagrams"]), (3, 3), f"counts at {node.name}")
        expect(float(closed["seconds"]) > 3, f"it lived longer than the idle time: {closed}")
        node.await_sessions(0)
        expect_equal(len(node.events("session_closed")), 1, f"sessions that ended at {node.name}")
    ask(client, b"four")
    ids = [opened["session"] for opened in edge.events("session_opened")]
    expect(len(ids) == 2 and ids[0] != ids[1], f"the next session has another id: {ids}")


@case(short=True)
def a_late_answer_reaches_nobody(world):
    backend = world.udp_backend(7000)
    hub, edge = world.pair([ECHO], hub=BRIEF, edge=BRIEF)
    first, second = world.udp_client(7000), world.udp_client(7000, source=CLIENTS_V4[1])
    first.send(b"first client")
    _, old_source = backend.recvfrom(100)
    for node in (hub, edge):
        node.await_event("session_closed", reason="unreplied")
    second.send(b"second client")
    data, new_source = backend.recvfrom(100)
    expect_equal(data, b"second client", "what the backend gets")
    expect(new_source != old_source, f"a source that has rested: {new_source}")
    backend.sendto(b"for the first client, late", old_source)
    backend.sendto(b"for the second client", new_source)
    expect_equal(second.recv(100), b"for the second client", "what the second client gets")
    hub.await_count("stray")
    expect_equal(row_of(hub, "", "backend_to_tunnel")["reasons"], {"stray": 1}, "what became of the late answer")
    for client in (first, second):
        expect_nothing(client)


@case()
def a_backend_is_known_by_its_address(world):
    """Another program there that sends to a session's source is a stray."""
    backend, other = world.udp_backend(7000), world.udp_backend(7001)
    hub, _ = world.pair([ECHO])
    client = world.udp_client(7000)
    client.send(b"hello")
    _, source = backend.recvfrom(100)
    other.sendto(b"forged", source)
    hub.await_count("stray")
    backend.sendto(b"answer", source)
    expect_equal(client.recv(100), b"answer", "what the client gets")
    expect_nothing(client)


@case()
def ipv6_clients_of_an_ipv4_backend(world):
    world.udp_echo(7000)
    hub, edge = world.pair([ECHO])
    for source in CLIENTS_V6:
        client = world.udp_client(7000, EDGE_V6, source)
        ask(client, secrets.token_bytes(1200))
        for node in (hub, edge):
            session, = node.sessions("--client", source)
            expect_equal((session["client"], session["local"]), (name_of(client.getsockname()), f"[{EDGE_V6}]:7000"),
                         f"the session at {node.name}")
    expect_all_arrived(hub, edge)
