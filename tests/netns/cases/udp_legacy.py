"""Datagrams between us and peers that speak the published protocol only."""

import secrets

from harness.daemon import Hub
from harness.datagrams import ask, dropped, name_of, split_proxy_v2
from harness.legacy import edge_at_legacy_hub, legacy_edge
from harness.runner import case
from harness.topology import BACKEND_V4, CLIENTS_V4, CLIENTS_V6, EDGE_V4, EDGE_V6
from harness.wait import expect, expect_equal, until

SIZES = (0, 1, 1200, 16384, 40_000)


@case(short=True, carrier="tls")
def a_legacy_edge_at_our_hub(world):
    backend = world.udp_backend(7000)
    world.udp_echo(7001)
    hub = Hub(world, {"flow": {"unreplied": "4s"}}).start()
    hub.add_service("dns", "7000", BACKEND_V4, protocol="udp", client="proxy-v2", proxy_v2="separate")
    hub.add_service("echo", "7001", BACKEND_V4, protocol="udp", udp_idle="8s")
    peer = legacy_edge(world, hub.add_edge(), "--udp-idle", 60)
    hub.await_event("edge_connected", edge="edge-1")
    world.await_bound(world.edge, 7000)
    world.await_bound(world.edge, 7001)

    client = world.udp_client(7000, source=CLIENTS_V4[7])
    client.send(b"hello")
    header, rest = split_proxy_v2(backend.recvfrom(65536)[0])
    expect_equal((header.client, header.local, rest), (client.getsockname(), (EDGE_V4, 7000), b""), "the header")
    data, source = backend.recvfrom(65536)
    expect_equal(data, b"hello", "the datagram behind it")
    for size in SIZES[1:]:  # the peer's own sockets send nothing where there is nothing to send
        backend.sendto(secrets.token_bytes(size), source)
        expect_equal(len(client.recv(65536)), size, "size of the answer")

    echoing = [world.udp_client(7001, source=source) for source in CLIENTS_V4[:10]]
    for size in SIZES[1:]:
        for client in echoing:
            ask(client, secrets.token_bytes(size))
    rows = hub.await_sessions(10, "--service", "echo", "--state", "assured")
    expect_equal({row["client"] for row in rows}, {name_of(client.getsockname()) for client in echoing}, "sessions")
    until(lambda: "closed" in peer.output(), "our hub tells that a session has ended", 20.0)
    hub.await_sessions(0)
    ask(echoing[0], b"a session once more")
    peer.check()
    expect_equal(dropped(hub), {}, "datagrams dropped")


@case(short=True, carrier="tls")
def our_edge_at_a_legacy_hub(world):
    """Its hub answers each datagram with the client's address and the datagram."""
    peer, edge = edge_at_legacy_hub(world, "--ports", "", "--udp-ports", "7000,7001",
                                    config={"flow": {"unreplied": "5s"}})
    edge.start()
    edge.await_port("udp", 7001)
    clients = [world.udp_client(7000, source=source) for source in CLIENTS_V4[:5]]
    clients += [world.udp_client(7001, EDGE_V6, source) for source in CLIENTS_V6[:2]]
    for size in SIZES:
        for client in clients:
            data = secrets.token_bytes(size)
            client.send(data)
            expect(client.recv(65536) == told(client) + data, f"{size} bytes, and whose they are")
    expect_equal(len(edge.await_sessions(7, "--state", "assured")), 7, "sessions")
    peer.say("udp-close")
    edge.await_sessions(0)
    clients[1].send(b"a new session")
    expect_equal(clients[1].recv(100), told(clients[1]) + b"a new session", "the answer in it")
    peer.say("udp-ports 7001,7002")
    edge.await_port("udp", 7002)
    edge.await_port("udp", 7000, has=False)
    newer = world.udp_client(7002)
    newer.send(b"the new port")
    expect_equal(newer.recv(100), told(newer) + b"the new port", "the answer through it")
    peer.check()


def told(client):
    return "{} {} ".format(*client.getsockname()[:2]).encode()
