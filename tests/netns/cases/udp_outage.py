"""The tunnel goes away and comes back: UDP sessions live on."""

from harness.datagrams import answers, ask, between, drain, name_of, port_of
from harness.daemon import QUICK, Edge
from harness.runner import case
from harness.topology import BACKEND_V4, CLIENTS_V4, EDGE2_TUNNEL, EDGE_V6, HUB_TUNNEL2
from harness.wait import expect, expect_equal, until
from harness.world import TUNNEL_PORT

ECHO = {"name": "echo", "protocol": "udp", "ports": 7000, "target": BACKEND_V4}
ONE_WORKER = {"node": {"workers": 1}}


def identities(node):
    """{client: what of its session must not change}"""
    return {row["client"]: (row["id"], row["state"], row["source"]) for row in node.sessions()}


def some_clients(world):
    clients = [world.udp_client(7000, source=CLIENTS_V4[n]) for n in range(4)] + [world.udp_client(7000, EDGE_V6)]
    for client in clients:
        ask(client, b"one")
        ask(client, b"two")
    return clients


@case(short=True)
def sessions_outlive_a_cut_link(world):
    world.udp_echo(7000)
    hub, edge = world.pair([ECHO], hub=QUICK, edge=QUICK)
    clients = some_clients(world)
    before = {node: identities(node) for node in (hub, edge)}
    expect_equal([len(rows) for rows in before.values()], [5, 5], "sessions")
    world.edge.link("hub", "down")
    edge.await_event("tunnel_down")
    hub.await_event("edge_disconnected")
    for client in clients:
        client.send(b"into the void")
    edge.await_count("tunnel_down", len(clients))
    world.udp_client(7000, source=CLIENTS_V4[7]).send(b"a session cannot begin now")
    edge.await_count("tunnel_down", len(clients) + 1)
    world.edge.link("hub", "up")
    edge.await_connected(40)
    for client in clients:
        until(lambda client=client: answers(client), f"{client.getsockname()} is answered again")
    for node, rows in before.items():
        expect_equal(identities(node), rows, f"ids, states and sources at {node.name}")
    for node in (hub, edge):
        expect_equal(len(node.events("session_opened")), 5, f"sessions opened at {node.name}")


@case(short=True)
def what_a_backend_says_during_an_outage_is_counted(world):
    backend = world.udp_backend(7000)
    hub, edge = world.pair([ECHO], hub=QUICK, edge=QUICK)
    client = world.udp_client(7000)
    client.send(b"hello")
    _, source = backend.recvfrom(100)
    world.edge.link("hub", "down")
    hub.await_event("edge_disconnected")
    backend.sendto(b"nobody brings this on", source)
    hub.await_count("tunnel_down")
    world.edge.link("hub", "up")
    edge.await_connected(40)
    client.send(b"hello again")
    expect_equal(backend.recvfrom(100), (b"hello again", source), "the next datagram, from the same source")
    backend.sendto(b"welcome back", source)
    expect_equal(client.recv(100), b"welcome back", "the answer")


def answered(world, backend):
    """A client with a session, and what the backend saw as its source."""
    client = world.udp_client(7000)
    client.send(b"hello")
    _, source = backend.recvfrom(100)
    backend.sendto(b"welcome", source)
    expect_equal(client.recv(100), b"welcome", "the answer")
    return client, source


def expect_news(client, backend, source):
    client.settimeout(0.2)

    def reached():
        backend.sendto(b"news", source)
        try:
            return client.recv(100) == b"news"
        except TimeoutError:
            return False
    until(reached, "the client hears of it without having asked")


@case(short=True)
def a_backend_may_be_the_first_to_speak_afterwards(world):
    backend = world.udp_backend(7000)
    hub, edge = world.pair([ECHO], hub=QUICK, edge=QUICK)
    client, source = answered(world, backend)
    before = {node: identities(node) for node in (hub, edge)}
    world.edge.link("hub", "down")
    edge.await_event("tunnel_down")
    hub.await_event("edge_disconnected")
    world.edge.link("hub", "up")
    edge.await_connected(40)
    expect_news(client, backend, source)
    for node, rows in before.items():
        expect_equal(identities(node), rows, f"ids, states and sources at {node.name}")


@case(short=True)
def the_hub_is_killed_and_restarted(world):
    """The edge's sessions keep their ids, and are new to the hub."""
    world.udp_echo(7000)
    hub, edge = world.pair([ECHO], edge=QUICK)
    clients = some_clients(world)
    ids = identities(edge)
    hub.kill()
    edge.await_event("tunnel_down")
    clients[0].send(b"into the void")
    edge.await_count("tunnel_down")
    hub.start()
    edge.await_connected()
    for client in clients:
        until(lambda client=client: answers(client), f"{client.getsockname()} is answered again")
    expect_equal(identities(edge), ids, "ids at the edge")
    expect_equal(len(edge.events("session_opened")), 5, "sessions opened at the edge")
    rows = hub.await_sessions(5)
    expect_equal({row["client"] for row in rows}, set(ids), "clients at the hub")


@case()
def the_edge_is_killed_and_restarted(world):
    """Its sessions are gone; those the hub knew end, and their sources rest. Not so where the kernel keeps them."""
    world.udp_echo(7000)
    hub, edge = world.pair([ECHO], hub=QUICK)
    clients = some_clients(world)
    if world.steering == "kernel":
        return the_edge_adopts_its_sessions(hub, edge, clients)
    old = {port_of(row["source"]) for row in hub.sessions()}
    edge.kill()
    hub.await_event("edge_disconnected")
    expect_equal(len(hub.sessions()), 5, "sessions at the hub while the edge may come back")
    edge.start().await_connected()
    hub.await_ports("echo")
    hub.await_sessions(0)
    for client in clients:
        drain(client)
        ask(client, b"a new beginning")
    expect_equal(len(hub.events("session_closed", reason="replaced")), 5, "sessions of the edge's former life")
    expect(old.isdisjoint(port_of(row["source"]) for row in hub.sessions()), "the new sessions have other sources")


def the_edge_adopts_its_sessions(hub, edge, clients):
    """... and the next process goes on with them: neither node sees another session."""
    ids = {row["client"]: row["id"] for row in edge.sessions()}
    sources = {row["client"]: row["source"] for row in hub.sessions()}
    edge.kill()
    hub.await_event("edge_disconnected")
    edge.start().await_connected()
    hub.await_ports("echo")
    for client in clients:
        until(lambda client=client: answers(client), f"{client.getsockname()} is answered again")
    expect_equal({row["client"]: row["id"] for row in edge.sessions()}, ids, "ids at the edge")
    expect_equal({row["client"]: row["source"] for row in hub.sessions()}, sources, "sources at the hub")


@case(kernel=True)
def a_backend_may_be_the_first_to_speak_to_a_restarted_edge(world):
    backend = world.udp_backend(7000)
    hub, edge = world.pair([ECHO], hub=QUICK)
    client, source = answered(world, backend)
    edge.kill()
    hub.await_event("edge_disconnected")
    edge.start().await_connected()
    expect_news(client, backend, source)


@case(short=True, carrier="tls")
def one_of_several_carriers_is_lost(world):
    """Its sessions wait until it is back, and keep their ids and sources; those of the other one go on."""
    world.udp_echo(7000)
    hub, edge = world.pair([ECHO], edge={"edge": {"carriers": 2}})
    clients = some_clients(world)
    before = {node: identities(node) for node in (hub, edge)}
    for lost in range(2):
        edge.cut_carrier(lost)
        for client in clients:
            until(lambda client=client: answers(client), f"{client.getsockname()} is answered")
        edge.await_connected()  # the clients alone need not have waited for it: it may have carried none of them
        expect(edge.carrier(lost)["resumed"], "the new one takes up an earlier handshake")
    for node, rows in before.items():
        expect_equal(identities(node), rows, f"ids, states and sources at {node.name}")


@case()
def sessions_of_two_edges(world):
    """Equal ids at two edges are two sessions."""
    world.udp_echo(7000)
    hub, edge = world.pair([ECHO], hub=QUICK)
    token = hub.add_edge("edge-2", "--hub", f"{HUB_TUNNEL2}:{TUNNEL_PORT}")
    other = Edge(world, token, {}, name="other", namespace=world.edge2).start()
    other.await_connected()
    hub.await_ports("echo")
    near = world.udp_client(7000)
    far = world.keep(world.hub.udp(HUB_TUNNEL2, peer=(EDGE2_TUNNEL, 7000)))
    for n in range(3):
        ask(near, b"through the first %d" % n)
        ask(far, b"through the second %d" % n)
    rows = {row["edge"]: row["client"] for row in hub.await_sessions(2)}
    expect_equal(rows, {"edge-1": name_of(near.getsockname()), "edge-2": name_of(far.getsockname())}, "sessions")
    expect_equal(len(hub.sessions("--edge", "edge-2")), 1, "sessions of the second edge")
    other.kill()
    hub.await_event("edge_disconnected", edge="edge-2")
    ask(near, b"the first goes on")
    expect_equal(len(edge.sessions()), 1, "sessions at the first edge")


@case(short=True, carrier="tls")
def the_hub_knows_what_the_tunnel_lost(world):
    """Nothing is missing while all goes well; what a dead carrier took with it is, in the hub's books."""
    world.udp_echo(7000)
    hub, edge = world.pair([ECHO])
    client = some_clients(world)[0]
    until(lambda: between(hub, "to_backend") == (10, 10, 0), "the edge reports all that it sent")
    until(lambda: between(hub, "to_client") == (10, 10, 0), "and all that it received")
    world.edge.link("hub", "down")
    for _ in range(50):
        client.send(b"into the void")
    until(lambda: sum(row["sent"] for row in edge.ledger() if row["hop"] == "client_to_tunnel") == 60,
          "the carriers took them")
    for index in range(edge.status()["edge"]["carriers_up"]):
        edge.cut_carrier(index)
    edge.await_event("tunnel_down")
    world.edge.link("hub", "up")
    until(lambda: between(hub, "to_backend") == (60, 10, 50), "the hub knows what is missing", 20.0)
