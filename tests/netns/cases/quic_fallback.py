"""UDP between edge and hub is blocked: tunnels fall back to TLS, and come back to QUIC when they can."""

import secrets

from harness.daemon import QUICK, Edge, Hub
from harness.datagrams import answers, ask
from harness.firewall import Firewall
from harness.runner import case
from harness.sockets import expect_echo, expect_end, expect_reset, receive
from harness.toml import merged
from harness.topology import BACKEND_V4, CLIENTS_V4
from harness.wait import expect, expect_equal, until

RAW = {"name": "raw", "ports": 7000, "target": BACKEND_V4}
TALK = {"name": "talk", "protocol": "udp", "ports": 7001, "target": BACKEND_V4}
ONE_CARRIER = merged(QUICK, {"edge": {"carrier": "quic-with-fallback", "carriers": 1},
                             "tunnel": {"fallback": "1s", "quic_retry": "300ms"}})
MiB = 1 << 20


def kinds(node):
    """What the node's carriers are of, those on their way out first."""
    return [carrier["kind"] for carrier in node.carriers()]


def await_kinds(node, wanted, deadline=20.0):
    until(lambda: kinds(node) == wanted, f"carriers of {node.name} are of {wanted}", deadline)


def await_carrier(edge, kind):
    """The one that takes new flows is up and of that kind."""
    def reached():
        return [carrier["kind"] for carrier in edge.carriers() if carrier["up"]] == [kind]
    until(reached, f"{edge.name} is connected by {kind}", 20.0)


def identities(hub, edge):
    """Of every client's session, what must not change."""
    return ({row["client"]: row["id"] for row in edge.sessions()},
            {row["client"]: (row["id"], row["source"]) for row in hub.sessions()})


def talkers(world):
    clients = [world.udp_client(7001, source=source) for source in CLIENTS_V4[:3]]
    for client in clients:
        ask(client, b"one")
        ask(client, b"two")
    return clients


def exchange(client, backend, size=MiB):
    """As many bytes in both directions, at once."""
    up, down = secrets.token_bytes(size), secrets.token_bytes(size)
    client.sendall(up[:size // 2])
    backend.sendall(down[:size // 2])
    expect(receive(backend, size // 2) == up[:size // 2], "bytes at the backend")
    client.sendall(up[size // 2:])
    expect(receive(backend, size - size // 2) == up[size // 2:], "more bytes at the backend")
    backend.sendall(down[size // 2:])
    expect(receive(client, size) == down, "bytes at the client")


def pair_without_udp(world, firewall, block):
    """A hub and an edge that has come up over TLS, since it had to."""
    block()
    hub, edge = world.pair([RAW, TALK], hub=QUICK, edge=ONE_CARRIER)
    expect_equal((kinds(edge), kinds(hub)), (["tls"], ["tls"]), "what the carrier is of")
    told = edge.await_event("carrier_fallback")
    expect_equal((told["reason"], str(told["carrier"])), ("peer_unreachable", "0"), f"reason and carrier in {told}")
    expect("198.51.100.2:8443" in told["error"], f"the event names whom it did not reach: {told}")
    return hub, edge


@case(short=True, carrier="quic")
def udp_is_blocked_and_comes_back(world):
    """What began over TLS ends there; what is new takes QUIC, beside it."""
    listener = world.listen(7000)
    world.udp_echo(7001)
    firewall = Firewall(world)
    hub, edge = pair_without_udp(world, firewall, firewall.block_on_the_way)
    why, = [carrier["why_tls"] for carrier in edge.carriers()]
    expect("peer_unreachable" in why and "198.51.100.2:8443" in why, f"why_tls tells why: {why!r}")
    expect("198.51.100.2:8443" in edge.ctl("tunnels"), f"for people too: {edge.ctl('tunnels')}")

    old, old_backend = world.flow(7000, listener)
    exchange(old, old_backend)
    clients = talkers(world)
    before = identities(hub, edge)
    firewall.lift()
    await_carrier(edge, "quic")
    expect_equal(kinds(edge), ["tls", "quic"], "carriers while an old flow is open")
    new, new_backend = world.flow(7000, listener)
    expect_equal([carrier["flows"] for carrier in edge.carriers()], [1, 1], "flows of the old carrier and the new one")
    exchange(new, new_backend)
    exchange(old, old_backend)
    for client in clients:
        ask(client, b"over QUIC now")
    expect_equal(identities(hub, edge), before, "ids of sessions, and their sources")

    old.close()
    expect_end(old_backend)
    old_backend.close()
    await_kinds(edge, ["quic"])
    await_kinds(hub, ["quic"])
    exchange(new, new_backend)
    for client in clients:
        ask(client, b"still the same session")
    expect_equal(identities(hub, edge), before, "ids of sessions, and their sources, when TLS is gone")
    expect_equal([c["why_tls"] for c in edge.carriers()], [""], "why_tls of a carrier of QUIC")
    expect_equal(edge.events("tunnel_down"), [], "the tunnel stayed up")
    edge.await_event("stream_closed", service="raw", reason="completed")
    expect_equal(edge.status()["reasons"].get("tunnel_lost", 0), 0, "flows lost")


@case(carrier="quic")
def the_edges_own_host_blocks_udp(world):
    """Sending fails at once, and not for lack of an answer."""
    world.echo_backend(7000)
    firewall = Firewall(world)
    _, edge = pair_without_udp(world, firewall, firewall.block_at_the_edge)
    expect_echo(world.connect(7000))
    firewall.lift()
    await_carrier(edge, "quic")
    expect_echo(world.connect(7000))


@case(short=True, carrier="quic")
def udp_is_blocked_later(world):
    """The carrier of QUIC is lost with its flows, and the edge comes up over TLS by itself."""
    listener = world.listen(7000)
    world.udp_echo(7001)
    hub, edge = world.pair([RAW, TALK], hub=QUICK, edge=ONE_CARRIER)
    expect_equal((kinds(edge), kinds(hub)), (["quic"], ["quic"]), "what the carrier is of")
    client, backend = world.flow(7000, listener)
    exchange(client, backend)
    clients = talkers(world)
    before = identities(hub, edge)
    firewall = Firewall(world)
    firewall.block_on_the_way()
    expect_reset(client)
    expect_reset(backend)
    edge.await_event("carrier_down", reason="peer_silent")
    edge.await_event("carrier_fallback", reason="peer_unreachable")
    await_carrier(edge, "tls")
    hub.await_ports("raw")
    exchange(*world.flow(7000, listener))
    for talker in clients:
        until(lambda talker=talker: answers(talker), f"{talker.getsockname()} is answered again")
    expect_equal(identities(hub, edge), before, "ids of sessions, and their sources")

    firewall.lift()
    await_carrier(edge, "quic")
    for talker in clients:
        ask(talker, b"back to QUIC")
    expect_equal(identities(hub, edge), before, "ids of sessions, and their sources, back on QUIC")


@case(short=True, carrier="quic")
def only_udp_reaches_the_hub(world):
    """While the hub is away neither comes up, and that says nothing about QUIC."""
    listener = world.listen(7000)
    Firewall(world).block_tcp()
    hub, edge = world.pair([RAW], hub=QUICK, edge=ONE_CARRIER)
    hub.stop()
    edge.await_event("carrier_fallback", to="tls")
    edge.await_event("dial_failed")
    hub.start()
    await_carrier(edge, "quic")
    edge.await_event("carrier_fallback", to="quic")
    hub.await_ports("raw")
    exchange(*world.flow(7000, listener))


@case(short=True, carrier="quic")
def a_hub_without_quic(world):
    """An edge that may fall back does so, and one that may not says what is wrong."""
    world.echo_backend(7000)
    hub = Hub(world, {"hub": {"quic": False}}).start()
    hub.add_service(**RAW)
    token = hub.add_edge()
    edge = Edge(world, token, ONE_CARRIER).start()
    edge.await_connected()
    expect_equal(set(kinds(edge)), {"tls"}, "what the carriers are of")
    hub.await_ports("raw")
    expect_echo(world.connect(7000))
    edge.stop()

    # Another node than the first, whose programs stay where they are for its successor.
    strict = Edge(world, token, {"edge": {"carrier": "quic"}, "tunnel": {"handshake": "1s"},
                                 "steering": {"mode": "socket"}}, name="strict").start()
    strict.await_event("dial_failed", reason="peer_unreachable")
    expect("198.51.100.2:8443" in strict.await_last_error("peer_unreachable|answer"), "the error names the hub")
    expect_equal((strict.status()["edge"]["connected"], strict.status()["ready"]), (False, False), "connected, ready")
    expect(strict.status()["why"], "why it is not ready")
    expect_equal(strict.events("carrier_fallback"), [], "fallbacks")
