"""Transparent UDP services: the backend sees the client's own address and port, and answers to it; by the hub, and
straight from the edge."""

import os
import pwd
import secrets
import socket
import time

from cases.direct import Chatter
from harness.daemon import Edge, Hub
from harness.datagrams import expect_all_arrived, name_of, row_of
from harness.runner import case
from harness.steered import counted
from harness.topology import BACKEND_V4, BACKEND_V6, CLIENTS_V4, CLIENTS_V6, EDGE_V4, EDGE_V6
from harness.transparent import PERMITTED, PORTS, WAYS, direct_pair, exchange, hub_pair, lead_on, services, settle
from harness.udp_peers import Coturn, Dnsdist, dig
from harness.wait import expect, expect_equal, until

IP_MTU_DISCOVER, PMTUDISC_DONT = 10, 0


@case(kernel=True, short=True)
def a_backend_of_the_hub_sees_the_client(world):
    hub, edge = hub_pair(world)
    for public, address, host in WAYS:
        backend = world.udp_backend(PORTS[host], host)
        client = world.udp_client(PORTS[host], public, address)
        settle(client, backend)
        before = counted(hub, "steer_in_xdp", "steered"), counted(hub, "steer_out_xdp", "steered")
        for size in (0, 1, 500, 1300) * 5:
            exchange(client, backend, secrets.token_bytes(size), size)
        expect_equal((counted(hub, "steer_in_xdp", "steered"), counted(hub, "steer_out_xdp", "steered")),
                     (before[0] + 20, before[1] + 20), "datagrams that the programs of the hub carried")
        row, = hub.sessions("--client", name_of(client.getsockname()))
        expect_equal((row["source"], row["backend"]), (name_of(client.getsockname()), name_of((host, PORTS[host]))),
                     "the session")
    expect_equal([hub.service(name)["client"] for name in ("v4", "v6")], ["transparent"] * 2, "what services says")
    expect("transparent" in hub.ctl("services"), "what services shows people")
    expect_all_arrived(hub, edge)


@case(kernel=True, short=True)
def a_direct_backend_sees_the_client(world):
    hub, edge = direct_pair(world)
    for public, address, host in WAYS:
        backend = world.udp_backend(PORTS[host], host)
        client = world.udp_client(PORTS[host], public, address)
        settle(client, backend)
        before = counted(edge, "edge_xdp", "forwarded")
        for size in (0, 1, 500, 1400) * 5:
            exchange(client, backend, secrets.token_bytes(size), size)
        expect_equal(counted(edge, "edge_xdp", "forwarded") - before, 40, "datagrams that edge_xdp forwarded")
        row, = edge.sessions("--client", name_of(client.getsockname()))
        expect_equal((row["way"], row["source"], row["backend"], row["to_client"]["datagrams"]),
                     ("direct", name_of(client.getsockname()), name_of((host, PORTS[host])), 23), "the session")
    expect_equal(hub.sessions(), [], "sessions at the hub")
    for name in ("v4", "v6"):
        for hop in ("client_to_backend", "backend_to_client"):
            line = row_of(edge, name, hop)
            expect_equal((line["received"], line["sent"], line["dropped"]), (23, 23, 0), f"{hop} of {name}")


@case(kernel=True, short=True)
def programs_of_others_see_the_client(world):
    """dnsdist answers with the address that it saw, and coturn too."""
    lead_on(world)
    dnsdist = Dnsdist(world, proxies=())
    coturn = Coturn(world)
    wanted = [{"name": f"{name}-{way}", "protocol": "udp", "ports": port, "target": target, "client": "transparent",
               "way": way}
              for way, add in (("tunnel", 0), ("direct", 1))
              for name, port, target in (("dns4", 5300 + add, f"{BACKEND_V4}:53"),
                                         ("dns6", 5310 + add, f"[{BACKEND_V6}]:53"),
                                         ("stun", 5320 + add, f"{BACKEND_V4}:{coturn.port}"))]
    world.pair(wanted, edge=PERMITTED)
    asked = []
    for way in (0, 1):
        for public, address, port, kind in ((EDGE_V4, CLIENTS_V4[3], 5300 + way, "A"),
                                            (EDGE_V6, CLIENTS_V6[2], 5310 + way, "AAAA")):
            answer = dig(world, public, port, f"{address}#{41000 + way}", "-t", kind)
            expect_equal(answer, address, "whom dnsdist answers")
            asked.append(f"[{address}]:{41000 + way}" if ":" in address else f"{address}:{41000 + way}")
        told = coturn.ask(EDGE_V4, 5320 + way)
        expect_equal(told.rsplit(":", 1)[0], CLIENTS_V4[0], "the address that coturn saw")
    expect_equal(sorted(dnsdist.clients()), sorted(asked), "clients in dnsdist's log, with their ports")


def talk_with_one_port(world, nodes):
    """Clients that differ in their address alone."""
    backend = world.udp_backend(7004)
    clients = [world.keep(world.client.udp(source, 45000, peer=(EDGE_V4, 7004))) for source in CLIENTS_V4[:5]]
    for round_number in range(3):
        for client in clients:
            client.send(name_of(client.getsockname()).encode() + b" %d" % round_number)
        for _ in clients:
            datagram, source = backend.recvfrom(100)
            expect_equal(name_of(source), datagram.split()[0].decode(), "who sent it")
            backend.sendto(datagram, source)
        for client in clients:
            expect_equal(client.recv(100).split()[0].decode(), name_of(client.getsockname()), "the answer")
        time.sleep(0.3)
    for node in nodes:
        expect_equal(len(node.sessions()), len(clients), f"sessions at {node.name}")


@case(kernel=True)
def clients_with_the_same_port_at_the_hub(world):
    talk_with_one_port(world, hub_pair(world))


@case(kernel=True)
def clients_with_the_same_port_at_the_edge(world):
    _, edge = direct_pair(world)
    talk_with_one_port(world, [edge])


@case(kernel=True, short=True)
def a_killed_edge_loses_nothing(world):
    hub, edge = direct_pair(world)
    backend = world.udp_backend(7004)
    client = world.udp_client(7004)
    settle(client, backend)
    chatter = Chatter(client, backend)
    chatter.start()
    chatter.more(200, "exchanges")
    edge.kill()
    chatter.more(300, "exchanges while no daemon runs")
    edge.start()
    edge.await_connected()
    hub.await_ports("v4")
    chatter.more(300, "exchanges after the restart")
    row, = edge.sessions()
    expect_equal((row["service"], row["way"], row["source"]), ("v4", "direct", name_of(client.getsockname())),
                 "the session that was taken over")
    chatter.end()
    expect_equal((chatter.lost, chatter.sources), (0, {client.getsockname()}), "datagrams lost, and sources seen")
    expect_equal(len(edge.events("session_opened")), 0, "sessions opened after the restart")
    edge.stop()
    edge.start()
    edge.await_connected()
    hub.await_ports("v4")
    backend.settimeout(10.0)
    client.settimeout(10.0)
    exchange(client, backend, b"after an orderly end too")


@case(kernel=True)
def a_killed_hub_goes_on_with_the_same_address(world):
    hub, edge = hub_pair(world)
    backend = world.udp_backend(7004)
    client = world.udp_client(7004)
    settle(client, backend)
    hub.kill()
    hub.start()
    edge.await_connected()
    hub.await_ports("v4")

    def answered():
        client.send(b"again")
        backend.settimeout(1.0)
        try:
            return backend.recvfrom(100) == (b"again", client.getsockname())
        except TimeoutError:
            return False
    until(answered, "the session is opened again")
    backend.settimeout(10.0)
    exchange(client, backend, b"and goes on")


@case(kernel=True, short=True)
def an_edge_with_sockets_leaves_it_to_the_hub(world):
    hub, edge = direct_pair(world, edge={"steering": {"mode": "socket"}, **PERMITTED})
    expect("sockets" in edge.await_event("direct_refused", service="v4")["text"], "why")
    backend = world.udp_backend(7004)
    client = world.udp_client(7004)
    exchange(client, backend, b"hello")
    expect_equal([row["way"] for row in edge.sessions() + hub.sessions()], ["tunnel", "tunnel"], "ways")


@case(kernel=True, short=True)
def long_datagrams_reach_the_backend(world):
    """In fragments, which the programs do not make."""
    hub, edge = hub_pair(world)
    for public, address, host in WAYS:
        backend = world.udp_backend(PORTS[host], host)
        client = world.udp_client(PORTS[host], public, address)
        for size in (1500, 9000, 65000, 1, 1473):
            exchange(client, backend, secrets.token_bytes(size))
        expect_equal(len(hub.sessions("--client", name_of(client.getsockname()))), 1, "sessions")
    expect_all_arrived(hub, edge)


@case(kernel=True)
def long_datagrams_reach_a_direct_backend(world):
    _, edge = direct_pair(world)
    for public, address, host in WAYS:
        backend = world.udp_backend(PORTS[host], host)
        client = world.udp_client(PORTS[host], public, address)
        for size in (1500, 9000, 65000, 1, 1473):
            exchange(client, backend, secrets.token_bytes(size))
    expect_equal(row_of(edge, "v4", "client_to_backend")["dropped"], 0, "dropped")


@case(kernel=True)
def root_is_given_up(world):
    """A client's address is bound by another user, below port 1024 too."""
    world.directory.chmod(0o755)
    lead_on(world)
    user = pwd.getpwnam("nobody")
    hub = Hub(world, {}).start()
    for one in services(way="direct"):
        hub.add_service(**one)
    edge = Edge(world, hub.add_edge(), {**PERMITTED, "node": {"user": "nobody"}})
    for path in (edge.directory, edge.token_file):
        os.chown(path, user.pw_uid, user.pw_gid)
    edge.start()
    edge.await_connected()
    hub.await_ports("v4")
    hub.await_ports("v6")
    for public, address, host in WAYS:
        backend = world.udp_backend(PORTS[host], host)
        for port in (999, 50999):
            client = world.keep(world.client.udp(address, port, peer=(public, PORTS[host])))
            for size in (1, 9000, 100):
                exchange(client, backend, secrets.token_bytes(size))


@case(kernel=True)
def answers_longer_than_the_clients_link_go_by_the_daemon(world):
    _, edge = direct_pair(world)
    backend = world.udp_backend(7004)
    client = world.udp_client(7004)
    world.edge.ip("route", "replace", "192.0.2.0/24", "dev", "client", "proto", "kernel", "scope", "link", "src",
                  EDGE_V4, "mtu", "1300")
    settle(client, backend)
    backend.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, PMTUDISC_DONT)
    for size in (1300, 1472, 10, 1400):
        exchange(client, backend, b"how long may it be?", size)
    expect(counted(edge, "edge_xdp", "steered") >= 3, "what is too long for the way is steered")
    expect_equal(row_of(edge, "v4", "backend_to_client")["dropped"], 0, "dropped")
