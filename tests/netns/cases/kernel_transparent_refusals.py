"""What a transparent UDP service refuses: each session that it cannot carry as the client, for a reason with a name."""

import socket
import time

from harness.daemon import Edge
from harness.datagrams import expect_nothing, name_of
from harness.raw import raw_socket, send_udp
from harness.runner import case
from harness.steered import counted
from harness.topology import BACKEND_V4, BACKEND_V6, CLIENTS_V4, EDGE2_TUNNEL, EDGE_V4, EDGE_V6, HUB_BACKEND, HUB_TUNNEL2
from harness.transparent import PERMITTED, PORTS, direct_pair, hub_pair, lead_on, services
from harness.wait import expect, expect_equal, until
from harness.world import TUNNEL_PORT

IP_MTU_DISCOVER, PMTUDISC_DONT = 10, 0


def refused_event(node, reason, **fields):
    event = node.await_event("session_refused", reason=reason, **fields)
    expect(event["text"], "people are told why")
    return event


def collide(world, node, hub):
    """Two public ports lead to one backend: of one client's sockets the first one that used either has it."""
    backend = world.udp_backend(7004)
    client = world.keep(world.client.udp(CLIENTS_V4[0], 45001))
    client.sendto(b"first", (EDGE_V4, 7004))
    expect_equal(backend.recvfrom(100), (b"first", client.getsockname()), "the first session's")
    client.sendto(b"second", (EDGE_V4, 7104))
    node.await_count("source_taken")
    event = refused_event(node, "source_taken", service="also")
    expect_equal((event["client"], event["local"]), (name_of(client.getsockname()), f"{EDGE_V4}:7104"), "whose")
    backend.sendto(b"answer", client.getsockname())
    expect_equal(client.recvfrom(100), (b"answer", (EDGE_V4, 7004)), "the first session's answer")
    expect_nothing(backend)
    other = world.keep(world.client.udp(CLIENTS_V4[0], 45002))
    other.sendto(b"another port", (EDGE_V4, 7104))
    expect_equal(backend.recvfrom(100), (b"another port", other.getsockname()), "of another port")
    hub.ctl("services", "remove", "v4")  # and its session with it

    def taken_over():
        client.sendto(b"again", (EDGE_V4, 7104))
        backend.settimeout(0.3)
        try:
            return backend.recvfrom(100) == (b"again", client.getsockname())
        except TimeoutError:
            return False
    until(taken_over, "the address is free once the session that had it ended")


def two_ports(**options):
    return [services(**options)[0], {**services(**options)[0], "name": "also", "ports": 7104,
                                     "target": f"{BACKEND_V4}:7004"}]


@case(kernel=True, short=True)
def one_client_by_two_ports_of_the_hub(world):
    hub, _ = hub_pair(world, two_ports())
    collide(world, hub, hub)


@case(kernel=True, short=True)
def one_client_by_two_ports_of_the_edge(world):
    hub, edge = direct_pair(world, two_ports(way="direct"))
    collide(world, edge, hub)


@case(kernel=True)
def one_client_by_two_edges(world):
    """Their sessions are of different workers, and of different tunnels."""
    hub, _ = hub_pair(world, two_ports())
    token = hub.add_edge("edge-2", "--hub", f"{HUB_TUNNEL2}:{TUNNEL_PORT}")
    second = Edge(world, token, {}, name="edge2", namespace=world.edge2).start()
    second.await_connected()
    hub.await_ports("v4")
    backend = world.udp_backend(7004)
    client = world.keep(world.client.udp(CLIENTS_V4[0], 45001))
    client.sendto(b"by the first", (EDGE_V4, 7004))
    expect_equal(backend.recvfrom(100), (b"by the first", client.getsockname()), "the first edge's")
    raw = world.keep(raw_socket(world.hub))
    for number in range(3):  # to whichever of its workers
        send_udp(raw, client.getsockname(), (EDGE2_TUNNEL, 7004), b"by the second")
        hub.await_count("source_taken", number + 1)
    expect_equal(refused_event(hub, "source_taken")["edge"], "edge-2", "whose session is refused")
    expect_nothing(backend)


@case(kernel=True, short=True)
def families_that_differ_are_refused(world):
    lead_on(world)
    hub, edge = world.pair([*services(), *({**one, "name": one["name"] + "-direct", "ports": one["ports"] + 100,
                                            "target": f"[{BACKEND_V6}]:7006" if one["name"] == "v6" else
                                            f"{BACKEND_V4}:7004", "way": "direct"} for one in services())],
                           edge=PERMITTED)
    backends = [world.udp_backend(PORTS[host], host) for host in PORTS]
    for public, wrong in ((EDGE_V4, 7006), (EDGE_V6, 7004)):
        for node, port in ((hub, wrong), (edge, wrong + 100)):
            client, fields = world.udp_client(port, public), {"local": name_of((public, port))}

            def told(client=client, node=node, fields=fields):  # of many an event tells of one
                client.send(b"nobody's")
                return node.events("session_refused", reason="family_mismatch", **fields)
            until(told, f"{node.name} refuses {fields}")
    expect(hub.count("family_mismatch") >= 2, "refused at the hub")
    expect(edge.count("family_mismatch") >= 2, "refused at the edge, or told so by the hub")
    for backend in backends:
        expect_nothing(backend)


@case(kernel=True, short=True)
def without_a_route_sessions_are_refused(world):
    lead_on(world)
    nowhere = {**services()[0], "target": "203.0.113.5:7004"}
    hub, edge = world.pair([nowhere, {**nowhere, "name": "direct", "ports": 7104, "way": "direct"}],
                           edge={"edge": {"direct_to": ["203.0.113.0/24"]}})
    for node, port in ((hub, 7004), (edge, 7104)):
        world.udp_client(port).send(b"nowhere")
        node.await_count("no_next_hop")
        refused_event(node, "no_next_hop")


@case(kernel=True, short=True)
def a_hub_with_sockets_refuses(world):
    """Nothing comes to the backend from another source instead."""
    hub, edge = hub_pair(world, hub={"steering": {"mode": "socket"}})
    backend = world.udp_backend(7004)
    client = world.udp_client(7004)
    client.send(b"nobody's")
    hub.await_count("not_transparent")
    event = refused_event(hub, "not_transparent")
    expect_equal((event["service"], event["client"]), ("v4", name_of(client.getsockname())), "whose")
    edge.await_count("not_transparent")
    expect_equal((hub.sessions(), edge.sessions()), ([], []), "sessions")
    expect_nothing(backend)


@case(kernel=True)
def a_backend_on_the_hub_itself_is_refused(world):
    hub, _ = hub_pair(world, [{**services()[0], "target": f"{HUB_BACKEND}:7004"},
                              {**services()[0], "name": "loop", "ports": 7104, "target": "127.0.0.1:7004"}])
    for number, port in enumerate((7004, 7104)):
        world.udp_client(port).send(b"nobody's")
        hub.await_count("not_transparent", number + 1)


@case(kernel=True, short=True)
def sources_that_no_client_has_are_refused(world):
    """An edge tells of clients with addresses of the hub, of its steering network, and of the backend."""
    hub, edge = hub_pair(world)
    backend = world.udp_backend(7004)
    raw = world.keep(raw_socket(world.client))
    for number, source in enumerate((HUB_BACKEND, BACKEND_V4)):
        send_udp(raw, (source, 7004), (EDGE_V4, 7004), b"nobody's")
        hub.await_count("bad_source", number + 1)
        refused_event(hub, "bad_source", client=f"{source}:7004")
    expect_nothing(backend)
    expect_equal((hub.sessions(), edge.count("forged")), ([], 0), "sessions")
    send_udp(raw, ("198.18.0.9", 7004), (EDGE_V4, 7004), b"nobody's")
    until(lambda: counted(edge, "edge_xdp", "forged") == 1, "one of the steering network ends at the edge")


def answer_in_fragments(world, node, program):
    """Dropped, and told of: the host, a router, would send them on with the backend's address as the sender's."""
    backend = world.udp_backend(7004)
    client = world.keep(world.client.udp(CLIENTS_V4[0], 45001))
    for n in range(3):
        client.sendto(b"hello %d" % n, (EDGE_V4, 7004))
        _, source = backend.recvfrom(100)
        backend.sendto(b"short", source)
        expect_equal(client.recvfrom(100), (b"short", (EDGE_V4, 7004)), "a short answer")
        time.sleep(0.2)
    backend.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, PMTUDISC_DONT)
    backend.sendto(bytes(4000), client.getsockname())
    until(lambda: counted(node, program, "undeliverable") == 1, "the first fragment is dropped and counted")
    backend.sendto(b"after it", client.getsockname())
    expect_equal(client.recvfrom(100), (b"after it", (EDGE_V4, 7004)), "the next answer, and nothing before it")
    expect_nothing(client)


@case(kernel=True, short=True)
def answers_in_fragments_are_nobodys_at_the_hub(world):
    lead_on(world)
    hub, _ = world.pair(services())
    answer_in_fragments(world, hub, "steer_in_xdp")


@case(kernel=True)
def answers_in_fragments_are_nobodys_at_the_edge(world):
    """The hub's host has to be told not to put them together itself, as routers do not."""
    _, edge = direct_pair(world)
    answer_in_fragments(world, edge, "edge_xdp")


@case(kernel=True)
def tcp_cannot_be_transparent(world):
    hub, _ = world.pair()
    for protocol in ("tcp", "both"):
        message = hub.refusal("services", "add", "web", "--protocol", protocol, "--ports", "80", "--target", BACKEND_V4,
                              "--client", "transparent")
        expect("client" in message and "transparent" in message and "UDP alone" in message, f"what it says: {message}")
    hub.write_config({"service": [{"name": "web", "ports": [80], "target": BACKEND_V4, "client": "transparent"}]})
    done = hub.check_config()
    expect(done.returncode != 0 and "service.client" in done.stderr, f"what --check says: {done.stderr}")
