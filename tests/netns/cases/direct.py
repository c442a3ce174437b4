"""Direct UDP services: from the edge's kernel programs straight to the backend and back, past hub and userspace."""

import errno
import secrets
import socket
import threading
import time

from harness.datagrams import V2_V4, expect_all_arrived, name_of, row_of, split_proxy_v2
from harness.runner import case
from harness.topology import (BACKEND_V4, BACKEND_V6, CLIENTS_V4, CLIENTS_V6, EDGE_OTHER, EDGE_TUNNEL, EDGE_V4, EDGE_V6,
                              HUB_BACKEND, HUB_BACKEND_V6, HUB_TUNNEL)
from harness.wait import expect, expect_equal, until

PERMITTED = {"edge": {"direct_to": ["10.0.3.0/24", "fd00:3::/64"]}}
IP_MTU_DISCOVER, IP_MTU, PMTUDISC_DONT, PMTUDISC_DO, PMTUDISC_INTERFACE = 10, 14, 0, 2, 4
NARROW = 1400  # bytes of an IP packet


def service(**options):
    return {"name": "echo", "protocol": "udp", "ports": 7000, "target": f"{BACKEND_V4}:7001", "way": "direct",
            **options}


def backend_of(world):
    """A backend that the edge reaches: the hub's host is the router between them."""
    done = world.processes.run(["sysctl", "-w", "net.ipv4.ip_forward=1"], world.hub)
    expect_equal(done.returncode, 0, done.stderr)
    world.edge.ip("route", "add", f"{BACKEND_V4}/32", "via", HUB_TUNNEL)
    world.backend.ip("route", "add", "198.51.100.0/24", "via", HUB_BACKEND)
    return world.udp_backend(7001)


def backend_v6_of(world):
    """The same by IPv6."""
    done = world.processes.run(["sysctl", "-w", "net.ipv6.conf.all.forwarding=1"], world.hub)
    expect_equal(done.returncode, 0, done.stderr)
    world.edge.ip("address", "add", "fd00:2::1/64", "dev", "hub", "nodad")
    world.hub.ip("address", "add", "fd00:2::2/64", "dev", "edge", "nodad")
    world.edge.ip("route", "add", f"{BACKEND_V6}/128", "via", "fd00:2::2")
    world.backend.ip("route", "add", "fd00:2::/64", "via", HUB_BACKEND_V6)
    return world.udp_backend(7001, BACKEND_V6)


def packets(node, program="edge_xdp"):
    """{reason: packets} of one of the node's programs."""
    return {row["reason"]: row["packets"] for row in node.look("packets")["packets"] if row["program"] == program}


def exchange(client, backend, payload, header=None):
    """A datagram there, with the header that is due, and an answer back; returns what the backend saw as the sender."""
    client.send(payload)
    datagram, source = backend.recvfrom(65536)
    if header is not None:
        got, datagram = split_proxy_v2(datagram)
        expect_equal((got.client, got.local), header, "addresses in the PROXY v2 header")
    expect_equal(datagram, payload, "what the backend gets")
    answer = secrets.token_bytes(len(payload))
    backend.sendto(answer, source)
    expect_equal(client.recv(65536), answer, "the answer, from the address that was asked")
    return source


def settle(client, backend, header=None):
    """A session whose neighbours are known: the programs forward what comes next."""
    for _ in range(3):
        exchange(client, backend, b"settle", header)
        time.sleep(0.3)


@case(short=True, kernel=True)
def nothing_but_the_first_datagram_reaches_userspace(world):
    backend = backend_of(world)
    hub, edge = world.pair([service()], edge=PERMITTED)
    for public, source in ((EDGE_V4, CLIENTS_V4[0]), (EDGE_V6, CLIENTS_V6[0])):
        client = world.udp_client(7000, public, source)
        settle(client, backend)
        before, looked_up = packets(edge), packets(edge, "sk_lookup")
        seen = {exchange(client, backend, secrets.token_bytes(size)) for size in (0, 1, 200, 1200, 1400) * 10}
        after = packets(edge)
        expect_equal(after["forwarded"] - before["forwarded"], 100, "datagrams that edge_xdp forwarded")
        expect_equal(packets(edge, "sk_lookup"), looked_up, "datagrams that came to sockets")
        expect_equal(len(seen), 1, "sources that the backend saw")
        row, = edge.sessions("--client", name_of(client.getsockname()))
        source = next(iter(seen))
        expect(source[0] in (EDGE_TUNNEL, EDGE_OTHER), f"an address of the edge as the source: {source}")
        expect_equal((row["way"], row["state"], row["backend"], row["source"], row["local"]),
                     ("direct", "assured", f"{BACKEND_V4}:7001", name_of(source), name_of((public, 7000))),
                     "the session")
        expect_equal((row["to_backend"]["datagrams"], row["to_client"]["datagrams"]), (53, 53), "its counts")
    expect_equal(hub.sessions(), [], "sessions at the hub")
    for hop in ("client_to_backend", "backend_to_client"):
        line = row_of(edge, "echo", hop)
        expect_equal((line["received"], line["sent"], line["dropped"]), (106, 106, 0), hop)
    expect_all_arrived(hub, edge)


@case(short=True, kernel=True)
def a_header_in_every_datagram(world):
    backend = backend_of(world)
    _, edge = world.pair([service(client="proxy-v2")], edge=PERMITTED)
    for public, source in ((EDGE_V4, CLIENTS_V4[3]), (EDGE_V6, CLIENTS_V6[1])):
        client = world.udp_client(7000, public, source)
        header = client.getsockname()[:2], (public, 7000)
        settle(client, backend, header)
        before = packets(edge)["forwarded"]
        for size in (0, 1, 1200):
            exchange(client, backend, secrets.token_bytes(size), header)
        expect_equal(packets(edge)["forwarded"] - before, 6, "datagrams that edge_xdp forwarded")


@case(short=True, kernel=True)
def a_header_in_the_first_datagram(world):
    backend = backend_of(world)
    _, edge = world.pair([service(client="proxy-v2", proxy_v2="first")], edge=PERMITTED)
    for public, source in ((EDGE_V4, CLIENTS_V4[3]), (EDGE_V6, CLIENTS_V6[1])):
        client = world.udp_client(7000, public, source)
        exchange(client, backend, b"first", (client.getsockname()[:2], (public, 7000)))
        settle(client, backend)
        before = packets(edge)["forwarded"]
        exchange(client, backend, b"later")
        expect_equal(packets(edge)["forwarded"] - before, 2, "datagrams that edge_xdp forwarded")


@case(kernel=True)
def a_header_that_is_a_datagram_of_its_own(world):
    backend = backend_of(world)
    world.pair([service(client="proxy-v2", proxy_v2="separate")], edge=PERMITTED)
    client = world.udp_client(7000)
    client.send(b"first")
    header, rest = split_proxy_v2(backend.recv(65536))
    expect_equal((header.client, rest), (client.getsockname(), b""), "the header alone")
    expect_equal(backend.recv(65536), b"first", "the first datagram")
    settle(client, backend)


def narrow(*ends):
    for namespace, device in ends:
        namespace.ip("link", "set", device, "mtu", str(NARROW))


def strict_client(world, backend, header=None):
    """With a session that the programs forward, and no leave to anybody to cut its datagrams."""
    client = world.udp_client(7000)
    settle(client, backend, header and (client.getsockname(), header))
    client.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, PMTUDISC_DO)
    return client


def expect_forwarded(edge, client, backend, size, header=None):
    before = packets(edge)["forwarded"]
    exchange(client, backend, secrets.token_bytes(size), header)
    expect_equal(packets(edge)["forwarded"] - before, 2, "datagrams that edge_xdp forwarded")


def expect_told(world, edge, client, mtu, size=1472):
    """The client's system refuses so many bytes in the end, since the edge's programs told it of that MTU."""
    nudge = world.keep(world.edge.udp(EDGE_V4))

    def told():
        nudge.sendto(b"", (CLIENTS_V4[0], 9))  # a veth leaves what XDP sends back lying until another packet comes
        try:
            client.send(bytes(size))
        except OSError as refused:
            return refused.errno == errno.EMSGSIZE
        return False
    until(told, "the client is told that its datagram is too long")
    expect_equal(client.getsockopt(socket.IPPROTO_IP, IP_MTU), mtu, "the MTU that it was told")
    client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)  # what it was told of the others
    expect(packets(edge)["told_mtu"] >= 1, "counted as told_mtu")


@case(short=True, kernel=True)
def a_header_that_does_not_fit_is_told_of(world):
    backend = backend_of(world)
    _, edge = world.pair([service(client="proxy-v2")], edge=PERMITTED)
    client = strict_client(world, backend, (EDGE_V4, 7000))
    expect_told(world, edge, client, 1500 - V2_V4)
    expect_forwarded(edge, client, backend, 1472 - V2_V4, (client.getsockname(), (EDGE_V4, 7000)))


@case(short=True, kernel=True)
def an_interface_that_became_narrow_is_told_of(world):
    backend = backend_of(world)
    _, edge = world.pair([service()], edge=PERMITTED)
    client = strict_client(world, backend)
    expect_forwarded(edge, client, backend, 1472)
    narrow((world.hub, "edge"), (world.edge, "hub"))
    expect_told(world, edge, client, NARROW)
    expect_forwarded(edge, client, backend, NARROW - 28)


def expect_told_of_a_narrow_way(world, backend, **options):
    """The router behind the next hop tells the edge, and the edge its clients."""
    _, edge = world.pair([service(**options)], edge=PERMITTED)
    client = strict_client(world, backend)
    growth = 20 * (backend.family == socket.AF_INET6)
    expect_forwarded(edge, client, backend, 1472 - growth)
    narrow((world.hub, "backend"), (world.backend, "hub"))
    told = NARROW // 32 * 32 - growth
    expect_told(world, edge, client, told, 1472 - growth)
    expect_forwarded(edge, client, backend, told - 28)
    client.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, PMTUDISC_INTERFACE)  # forgets what it was told
    by_sockets = packets(edge).get("over_mtu", 0)
    exchange(client, backend, secrets.token_bytes(1472 - growth))
    expect(packets(edge).get("over_mtu", 0) > by_sockets, "in pieces, by sockets")


@case(short=True, kernel=True)
def a_way_that_is_narrow_further_on_is_told_of(world):
    expect_told_of_a_narrow_way(world, backend_of(world))


@case(kernel=True)
def a_narrow_way_by_another_family_is_told_of(world):
    expect_told_of_a_narrow_way(world, backend_v6_of(world), target=f"[{BACKEND_V6}]:7001")


@case(short=True, kernel=True)
def what_programs_cannot_forward_goes_by_sockets(world):
    backend = backend_of(world)
    _, edge = world.pair([service(client="proxy-v2")], edge=PERMITTED)
    client = world.udp_client(7000)
    header = client.getsockname(), (EDGE_V4, 7000)
    settle(client, backend, header)
    for end in (client, backend):
        end.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, PMTUDISC_DONT)
    sources = {exchange(client, backend, secrets.token_bytes(size), header) for size in (1472, 9000, 1, 40000, 1473)}
    expect_equal(len(sources), 1, "sources that the backend saw")
    expect(packets(edge).get("over_mtu", 0) >= 1, "one without DF is left to the stack")
    row, = edge.sessions()
    expect_equal((row["to_backend"]["datagrams"], row["to_client"]["datagrams"]), (8, 8), "counts of the session")
    expect_equal(row_of(edge, "echo", "backend_to_client")["dropped"], 0, "dropped")


class Chatter(threading.Thread):
    """Asks and is answered without pause; `lost` are the datagrams that were not answered."""

    def __init__(self, client, backend):
        super().__init__(daemon=True)
        self.client, self.backend = client, backend
        self.done, self.lost, self.sources = 0, 0, set()
        self.ended = False

    def run(self):
        self.client.settimeout(5.0)  # far beyond a machine's stalls: what is not answered by then was lost
        self.backend.settimeout(5.0)
        number = 0
        while not self.ended:
            number += 1
            try:
                self.client.send(b"%d" % number)
                datagram, source = self.backend.recvfrom(100)
                self.sources.add(source)
                self.backend.sendto(datagram, source)
                expect_equal(self.client.recv(100), b"%d" % number, "the answer")
                self.done += 1
            except OSError:
                self.lost += 1

    def more(self, count, what):
        there = self.done
        until(lambda: self.done >= there + count, what)

    def end(self):
        self.ended = True
        self.join()


@case(short=True, kernel=True)
def a_killed_edge_loses_nothing(world):
    backend = backend_of(world)
    hub, edge = world.pair([service()], edge=PERMITTED)
    client = world.udp_client(7000)
    settle(client, backend)
    chatter = Chatter(client, backend)
    chatter.start()
    chatter.more(200, "exchanges")
    edge.kill()
    chatter.more(500, "exchanges while no daemon runs")
    edge.start()
    edge.await_connected()
    hub.await_ports("echo")
    chatter.more(500, "exchanges after the restart")
    row, = edge.sessions()
    expect_equal((row["service"], row["way"], row["client"]), ("echo", "direct", name_of(client.getsockname())),
                 "the session that was taken over")
    moved = row["to_client"]["datagrams"]
    chatter.more(100, "exchanges")
    expect(edge.sessions()[0]["to_client"]["datagrams"] >= moved + 100, "its counters move")
    chatter.end()
    expect_equal((chatter.lost, len(chatter.sources)), (0, 1), "datagrams lost, and sources seen")
    expect_equal(len(edge.events("session_opened")), 0, "sessions opened after the restart")
    second = world.udp_client(7000, source=CLIENTS_V4[5])
    backend.settimeout(10.0)
    expect(exchange(second, backend, b"another") not in chatter.sources, "another session has another source")


@case(kernel=True)
def sessions_end_with_their_service(world):
    backend = backend_of(world)
    hub, edge = world.pair([service()], edge=PERMITTED)
    client = world.udp_client(7000)
    settle(client, backend)
    hub.ctl("services", "set", "echo", "--way", "tunnel")
    edge.await_sessions(0)
    expect_equal(edge.await_event("session_closed")["reason"], "service_removed", "the reason")
    exchange(client, backend, b"through the tunnel")
    row, = edge.sessions()
    expect_equal((row["way"], len(hub.sessions())), ("tunnel", 1), "way of the new session, and sessions at the hub")


@case(kernel=True)
def a_silent_session_ends(world):
    backend = backend_of(world)
    _, edge = world.pair([service(udp_idle="2s")], edge={**PERMITTED, "flow": {"unreplied": "2s"}})
    client = world.udp_client(7000)
    settle(client, backend)
    began, exchanges = time.monotonic(), 0
    while time.monotonic() < began + 4.0 or exchanges < 15:  # the programs' times keep it
        exchange(client, backend, b"alive")
        exchanges += 1
        time.sleep(0.2)
    expect_equal(len(edge.events("session_opened")), 1, "sessions so far")
    edge.await_sessions(0)
    closed = edge.await_event("session_closed")
    expect_equal(closed["reason"], "idle_timeout", "the reason")
    expect(int(closed["to_backend_datagrams"]) > 15, f"datagrams counted to its end: {closed}")


@case(short=True, kernel=True)
def what_the_edge_does_not_permit_goes_through_the_tunnel(world):
    backend = backend_of(world)
    hub, edge = world.pair([service(client="proxy-v2")],
                           edge={"edge": {"direct_to": ["192.168.0.0/16", "10.0.3.3"]}})
    event = edge.await_event("direct_refused", service="echo")
    expect_equal(event["text"], f"its backend {BACKEND_V4} is not within edge.direct_to", "why")
    client = world.udp_client(7000)
    exchange(client, backend, b"hello", (client.getsockname(), (EDGE_V4, 7000)))
    expect_equal([row["way"] for row in edge.sessions() + hub.sessions()], ["tunnel", "tunnel"], "ways")
    edge.write_config({"edge": {"direct_to": ["10.0.3.0/24"]}})
    edge.reload()
    other = world.udp_client(7000, source=CLIENTS_V4[1])
    exchange(other, backend, b"hello", (other.getsockname(), (EDGE_V4, 7000)))
    row, = edge.sessions("--client", name_of(other.getsockname()))
    expect_equal(row["way"], "direct", "way of a session after the reload")
    edge.write_config({"edge": {"direct_to": []}})
    edge.reload()
    edge.await_sessions(0, "--client", name_of(other.getsockname()))


@case(short=True, kernel=True)
def an_edge_with_sockets_goes_through_the_tunnel(world):
    backend = backend_of(world)
    hub, edge = world.pair([service()], edge={"steering": {"mode": "socket"}, **PERMITTED})
    expect("sockets" in edge.await_event("direct_refused", service="echo")["text"], "why")
    exchange(world.udp_client(7000), backend, b"hello")
    expect_equal([row["way"] for row in edge.sessions() + hub.sessions()], ["tunnel", "tunnel"], "ways")


@case(kernel=True)
def limits_of_a_service_are_the_edges_to_keep(world):
    backend = backend_of(world)
    hub, edge = world.pair([service(max_flows=3, max_flows_per_source=2)], edge=PERMITTED)
    for source, sessions, reason in ((0, 1, None), (0, 2, None), (0, 2, "limit_source"), (1, 3, None),
                                     (2, 3, "limit_service")):
        world.udp_client(7000, source=CLIENTS_V4[source]).send(b"hello")
        edge.await_sessions(sessions)
        if reason is not None:
            edge.await_count(reason)
    hub.ctl("drain", "echo")
    for _ in range(3):
        backend.recv(100)

    def refused():
        world.udp_client(7000, source=CLIENTS_V4[2]).send(b"too late")
        return edge.count("service_draining") > 0
    until(refused, "a draining service takes no new session")
