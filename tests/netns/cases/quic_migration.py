"""The path between edge and hub changes: a tunnel over QUIC goes on, with all that it carries."""

from harness.bulk import Bulk
from harness.datagrams import answers
from harness.firewall import Firewall
from harness.runner import case
from harness.streams import Load
from harness.topology import BACKEND_V4, CLIENTS_V4, EDGE_TUNNEL
from harness.wait import expect_equal, until

RAW = {"name": "raw", "ports": 7000, "target": BACKEND_V4}
TALK = {"name": "talk", "protocol": "udp", "ports": 7001, "target": BACKEND_V4}
ONE_CARRIER = {"edge": {"carriers": 1}}
ELSEWHERE = "198.51.100.77"
MASQUERADE = "198.51.100.78"
SIZE = 50 << 20
NARROW = 1280  # bytes of the longest packet: what IPv6 asks of every path


class Talk(Load):
    """A session that is used all the time. Datagrams may get lost, but not for long."""

    def __init__(self, client):
        name = client.getsockname()
        super().__init__(lambda _: until(lambda: answers(client, patience=1.0), f"{name} is answered", 15.0))


def the_peer(hub):
    """Address and port of the edge as the hub sees it, of the only carrier."""
    carrier, = hub.carriers()
    return carrier["peer"].rsplit(":", 1)


def identities(hub, edge):
    return ({row["client"]: row["id"] for row in edge.sessions()},
            {row["client"]: (row["id"], row["source"]) for row in hub.sessions()})


def go_on_through(world, changes):
    """A transfer and sessions go on through changes: (what is done, the edge's address to the hub, and its own)."""
    listener = world.listen(7000)
    world.udp_echo(7001)
    hub, edge = world.pair([RAW, TALK], edge=ONE_CARRIER)
    expect_equal(the_peer(hub)[0], EDGE_TUNNEL, "where the hub sees the edge at first")
    client, backend = world.flow(7000, listener, timeout=30.0)
    backend.settimeout(30.0)
    talks = [Talk(world.udp_client(7001, source=source)) for source in CLIENTS_V4[:3]]
    for talk in talks:
        talk.await_more(3)
    before = identities(hub, edge)
    bulk = Bulk(client, backend, SIZE)
    for number, (change, address, own) in enumerate(changes, start=1):
        bulk.await_more()
        change()
        until(lambda address=address: the_peer(hub)[0] == address, f"the hub sees the edge at {address}", 30.0)
        until(lambda own=own: edge.carriers()[0]["local"].rpartition(":")[0] == own, f"the edge sees itself at {own}")
        expect_equal(hub.carriers()[0]["quic"]["migrations"], number, "migrations that the hub counted")
        bulk.await_more()
        for talk in talks:
            talk.await_more(3)
    bulk.finish()
    for talk in talks:
        talk.end(3)
    expect_equal(identities(hub, edge), before, "ids of sessions, and their sources")
    for node in (hub, edge):
        node.await_event("stream_closed", service="raw", reason="completed")
        expect_equal(node.events("carrier_down"), [], f"carriers lost at {node.name}")
        expect_equal(len(node.events("carrier_up")), 1, f"carriers that came up at {node.name}")
    return hub, edge


@case(timeout=120, carrier="quic")
def the_edge_gets_another_address(world):
    """The old one is gone, as after a change of networks; then it comes back."""
    def move(old, new):
        world.edge.ip("address", "add", f"{new}/24", "dev", "hub")
        world.edge.ip("address", "del", f"{old}/24", "dev", "hub")
    done = world.processes.run(["sysctl", "-w", "net.ipv4.conf.all.promote_secondaries=1"], world.edge)
    expect_equal(done.returncode, 0, done.stderr)
    world.edge.ip("address", "del", "198.51.100.11/24", "dev", "hub")  # so that the new one is the only one
    go_on_through(world, [(lambda: move(EDGE_TUNNEL, ELSEWHERE), ELSEWHERE, ELSEWHERE),
                          (lambda: move(ELSEWHERE, EDGE_TUNNEL), EDGE_TUNNEL, EDGE_TUNNEL)])


@case(timeout=120, carrier="quic")
def a_router_on_the_way_forgets(world):
    """Whoever translates addresses gives the edge another one, and the edge is not told."""
    firewall = Firewall(world)
    go_on_through(world, [(lambda: firewall.masquerade(EDGE_TUNNEL, MASQUERADE), MASQUERADE, EDGE_TUNNEL),
                          (firewall.lift, EDGE_TUNNEL, EDGE_TUNNEL)])


@case(timeout=120, carrier="quic")
def the_path_swallows_long_packets(world):
    """Without a word. Both ends notice, and go on with packets as short as every path takes."""
    for space, device in ((world.edge, "hub"), (world.hub, "edge")):
        features = ["gso", "off", "tx-udp-segmentation", "off", "gro", "off"]
        done = world.processes.run(["ethtool", "-K", device, *features], space)
        expect_equal(done.returncode, 0, done.stderr)
    listener = world.listen(7000)
    hub, edge = world.pair([RAW], edge=ONE_CARRIER)
    client, backend = world.flow(7000, listener, timeout=30.0)
    backend.settimeout(30.0)
    bulk = Bulk(client, backend, SIZE)
    bulk.await_more()
    for node in (hub, edge):
        until(lambda node=node: packet_size(node) > NARROW, f"{node.name} sends long packets")
    world.hub.ip("link", "set", "edge", "mtu", str(NARROW))
    bulk.finish()
    for node in (hub, edge):
        expect_equal(packet_size(node), 1200, f"bytes of the packets of {node.name}")
        node.await_event("stream_closed", service="raw", reason="completed")
        expect_equal(node.events("carrier_down"), [], f"carriers lost at {node.name}")


def packet_size(node):
    carrier, = node.carriers()
    return carrier["quic"]["packet_size"]
