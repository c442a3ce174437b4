"""Who a UDP backend sees: PROXY v2 in every datagram, in the first, or in one of its own; and who answers a client."""

import secrets

from harness.datagrams import LARGEST, V2_V4, V2_V6, ask, expect_all_arrived, name_of, row_of, split_proxy_v2
from harness.runner import case
from harness.topology import (BACKEND_V4, BACKEND_V6, CLIENTS_V4, CLIENTS_V6, EDGE_V4, EDGE_V4_SECOND, EDGE_V6,
                              EDGE_V6_SECOND, HUB_BACKEND, HUB_BACKEND_V6)
from harness.wait import expect, expect_equal

# (the client, the edge's address that it uses), and the backend
WAYS = [((CLIENTS_V4[3], EDGE_V4), BACKEND_V4), ((CLIENTS_V6[2], EDGE_V6), BACKEND_V6),
        ((CLIENTS_V6[2], EDGE_V6), BACKEND_V4), ((CLIENTS_V4[3], EDGE_V4_SECOND), BACKEND_V6),
        ((CLIENTS_V6[1], EDGE_V6_SECOND), BACKEND_V4)]
PORTS = {BACKEND_V4: 7004, BACKEND_V6: 7006}
HUBS = {BACKEND_V4: HUB_BACKEND, BACKEND_V6: HUB_BACKEND_V6}


def services(**options):
    """One for each backend."""
    return [{"name": name, "protocol": "udp", "ports": PORTS[host], "target": target, **options}
            for name, host, target in (("v4", BACKEND_V4, BACKEND_V4), ("v6", BACKEND_V6, f"[{BACKEND_V6}]:7006"))]


def talk_every_way(world, nodes, talk):
    """talk(client, backend, header): the header is (client, public address) as PROXY v2 should tell them."""
    backends = {host: world.udp_backend(port, host) for host, port in PORTS.items()}
    for (source, public), host in WAYS:
        client = world.udp_client(PORTS[host], public, source)
        header = client.getsockname()[:2], (public, PORTS[host])
        talk(client, backends[host], header)
        for node in nodes:
            row, = node.sessions("--client", name_of(client.getsockname()))
            expect_equal(row["local"], name_of(header[1]), f"the public address at {node.name}")


def expect_header(datagram, header, payload):
    got, rest = split_proxy_v2(datagram)
    expect_equal((got.client, got.local), header, "addresses in the PROXY v2 header")
    expect_equal(rest, payload, "payload behind the header")


def answer(backend, source, client):
    """A random answer arrives at the client, whose socket takes it from the address that it asked alone."""
    data = secrets.token_bytes(700)
    backend.sendto(data, source)
    expect_equal(client.recv(65536), data, "the answer at the client")


@case(short=True)
def a_header_in_every_datagram(world):
    hub, edge = world.pair(services(client="proxy-v2"))  # without a word about proxy-v2's mode

    def talk(client, backend, header):
        for size in (0, 1, 1200, 9000):
            payload = secrets.token_bytes(size)
            client.send(payload)
            datagram, source = backend.recvfrom(65536)
            expect_header(datagram, header, payload)
            expect_equal(source[0], HUBS[backend.getsockname()[0]], "who sends to the backend")
            answer(backend, source, client)

    talk_every_way(world, (hub, edge), talk)
    expect_all_arrived(hub, edge)


@case()
def a_header_in_the_first_datagram(world):
    hub, edge = world.pair(services(client="proxy-v2", proxy_v2="first"))

    def talk(client, backend, header):
        payloads = [secrets.token_bytes(size) for size in (100, 0, 1200)]
        client.send(payloads[0])
        datagram, source = backend.recvfrom(65536)
        expect_header(datagram, header, payloads[0])
        for payload in payloads[1:]:
            client.send(payload)
            expect_equal(backend.recvfrom(65536), (payload, source), "a later datagram, and its source")
        answer(backend, source, client)

    talk_every_way(world, (hub, edge), talk)
    expect_all_arrived(hub, edge)


@case(short=True)
def a_header_that_is_a_datagram_of_its_own(world):
    hub, edge = world.pair(services(client="proxy-v2", proxy_v2="separate"))

    def talk(client, backend, header):
        payloads = [secrets.token_bytes(size) for size in (LARGEST, 0, 1200)]
        client.send(payloads[0])
        datagram, source = backend.recvfrom(65536)
        expect_header(datagram, header, b"")
        expect_equal(backend.recvfrom(65536), (payloads[0], source), "the first datagram, and its source")
        for payload in payloads[1:]:
            client.send(payload)
            expect_equal(backend.recvfrom(65536), (payload, source), "a later datagram, and its source")
        answer(backend, source, client)

    talk_every_way(world, (hub, edge), talk)
    expect_all_arrived(hub, edge)


@case()
def no_header_unless_asked(world):
    hub, edge = world.pair(services())

    def talk(client, backend, _):
        payload = secrets.token_bytes(333)
        client.send(payload)
        data, source = backend.recvfrom(65536)
        expect_equal(data, payload, "what the backend gets")
        expect_equal(source[0], HUBS[backend.getsockname()[0]], "who sends to the backend")
        answer(backend, source, client)

    talk_every_way(world, (hub, edge), talk)
    expect_all_arrived(hub, edge)


@case()
def each_session_has_a_header_of_its_own(world):
    """Many clients through the same few hub sockets: no header is another client's."""
    backend = world.udp_backend(7004)
    world.pair(services(client="proxy-v2", proxy_v2="first"))
    clients = {client.getsockname(): client for client in (
        world.udp_client(7004, source=CLIENTS_V4[n % 20]) for n in range(100))}
    for client in clients.values():
        client.send(name_of(client.getsockname()).encode())
    for _ in clients:
        datagram, source = backend.recvfrom(65536)
        header, payload = split_proxy_v2(datagram)
        expect_equal(name_of(header.client), payload.decode(), "the client in the header, and in what it sent")
        backend.sendto(payload, source)
    for address, client in clients.items():
        expect_equal(client.recv(100), name_of(address).encode(), "the answer")


@case(short=True)
def no_room_for_the_header(world):
    """The datagram is dropped and counted; the session and all others go on."""
    backend = world.udp_backend(7004)
    hub, edge = world.pair(services(client="proxy-v2"))
    too_large = 0
    for public, source, header in ((EDGE_V4, CLIENTS_V4[0], V2_V4), (EDGE_V6, CLIENTS_V6[0], V2_V6)):
        client = world.udp_client(7004, public, source)
        for size in (LARGEST - header, LARGEST - header + 1, LARGEST, 1):
            payload = secrets.token_bytes(size)
            client.send(payload)
            if size + header > LARGEST:
                too_large += 1
                hub.await_count("too_large", too_large)
                continue
            got, rest = split_proxy_v2(backend.recvfrom(65536)[0])
            expect_equal(got.client, client.getsockname()[:2], "client in the header")
            expect(rest == payload, f"{size} bytes behind the header")
        row, = hub.sessions("--client", source)
        expect_equal(row["to_backend"]["datagrams"], 4, "datagrams of the client's session")
    row = row_of(hub, "v4", "tunnel_to_backend")
    expect_equal((row["received"], row["sent"], row["reasons"]), (8, 4, {"too_large": 4}), "the hub's books")
    expect_equal(row_of(edge, "v4", "client_to_tunnel")["reasons"], {}, "what the edge dropped")


@case()
def the_largest_answer(world):
    """The header is nobody's business on the way back."""
    backend = world.udp_backend(7004)
    hub, edge = world.pair(services(client="proxy-v2"))
    client = world.udp_client(7004)
    client.send(b"how large may it be?")
    _, source = backend.recvfrom(65536)
    for size in (LARGEST, 0, LARGEST - 1):
        data = secrets.token_bytes(size)
        backend.sendto(data, source)
        expect(client.recv(65536) == data, f"an answer of {size} bytes")
    expect_all_arrived(hub, edge)


@case()
def a_target_is_a_host_a_port_or_a_shifted_range(world):
    wanted = {7100: 7100, 7101: 7101, 7200: 7250, 7300: 7400, 7302: 7402, 7310: 7410}
    for port in wanted.values():
        world.udp_echo(port)
    hub, _ = world.pair([
        {"name": "same", "protocol": "udp", "ports": "7100-7101", "target": BACKEND_V4},
        {"name": "one", "protocol": "udp", "ports": "7200", "target": f"{BACKEND_V4}:7250"},
        {"name": "shifted", "protocol": "both", "ports": "7300-7305,7310", "target": f"{BACKEND_V4}:7400+"},
    ])
    for public, port in wanted.items():
        client = world.udp_client(public)
        ask(client, b"to %d" % public)
        row, = hub.sessions("--client", name_of(client.getsockname()))
        expect_equal((row["local"], row["backend"]), (f"{EDGE_V4}:{public}", f"{BACKEND_V4}:{port}"), "the session")
