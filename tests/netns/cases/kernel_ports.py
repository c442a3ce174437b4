"""Thousands of ports behind one listener, changed while they carry."""

from harness.datagrams import ask, dropped
from harness.runner import case
from harness.sockets import expect_echo, is_refused
from harness.streams import Connections, Stream, refuses
from harness.topology import BACKEND_V4, EDGE_V4, EDGE_V6
from harness.wait import expect, expect_equal, until

FIRST, LAST, USED = 10_000, 29_999, 20_000
WIDE = {"name": "wide", "protocol": "both", "ports": f"{FIRST}-{LAST}", "target": BACKEND_V4}


def listening_sockets(world):
    """Local ends of the TCP sockets that listen in the edge's namespace."""
    return sorted(line.split()[3] for line in world.processes.run(["ss", "-Hltn"], world.edge).stdout.splitlines())


def udp_sockets(world):
    return len(world.processes.run(["ss", "-Hlun"], world.edge).stdout.splitlines())


@case(kernel=True, timeout=90)
def twenty_thousand_ports_change_under_load(world):
    for port in (USED, FIRST):
        world.udp_echo(port)
        world.echo_backend(port)
    hub, edge = world.pair([WIDE])
    before = listening_sockets(world), udp_sockets(world)
    expect_equal(len(before[0]), 2, f"listeners, one for each family: {before[0]}")
    datagrams, connections = Stream(world.udp_client(USED)), Connections(world.client, EDGE_V4, USED)
    flow, other = world.connect(USED), world.udp_client(FIRST)
    expect_echo(flow)
    ask(other, b"the first port")
    for _ in range(3):
        hub.ctl("ports", "remove", "wide", f"{FIRST}-{USED - 1},{USED + 1}-{LAST}")
        until(lambda: refuses(other) and is_refused(world.client, EDGE_V4, FIRST), "a removed port refuses")
        datagrams.await_more()
        connections.await_more(5)
        hub.ctl("ports", "add", "wide", f"{FIRST}-{USED - 1},{USED + 1}-{LAST}")
        until(lambda: edge.has_port("tcp", FIRST) and edge.has_port("udp", LAST), "all ports are back")
        with world.client.connect(EDGE_V4, FIRST) as connection:
            expect_echo(connection)
        ask(other, b"once more")
    datagrams.end()
    connections.end()
    expect_echo(flow)
    expect_equal((listening_sockets(world), udp_sockets(world)), before, "sockets of the edge")
    # Sent to the port as it was removed, and seen by the edge or the hub before the other knew.
    allowed = {"no_session", "stale_session", "not_assigned"}
    expect(set(dropped(hub, edge)) <= allowed, f"only what came for removed ports: {dropped(hub, edge)}")


def failed(hub, protocol):
    """[(ports, reason)]"""
    return [(row["ports"], row["reason"]) for row in hub.look("ports")["ports"]
            if row["protocol"] == protocol and row["state"] == "failed"]


@case(kernel=True, short=True)
def ports_of_other_programs_are_left_alone(world):
    taken_tcp = world.keep(world.edge.listen("0.0.0.0", FIRST + 7))
    taken_udp = world.keep(world.edge.udp("0.0.0.0", FIRST + 8))
    for port in (FIRST + 7, FIRST + 8):
        world.udp_echo(port)
        world.echo_backend(port)
    hub, edge = world.pair()
    hub.add_service(**WIDE)
    for protocol, port in (("tcp", FIRST + 7), ("udp", FIRST + 8)):
        edge.await_event("port_failed", ports=str(port), reason="port_in_use", protocol=protocol)
        until(lambda protocol=protocol: edge.has_port(protocol, LAST), f"{protocol} ports beside it")
        until(lambda protocol=protocol, port=port: failed(hub, protocol) == [(str(port), "port_in_use")],
              f"the hub knows that {protocol} port {port} is the only one that failed")
    client = world.udp_client(FIRST + 8)
    client.send(b"for the other program")
    expect_equal(taken_udp.recvfrom(100), (b"for the other program", client.getsockname()), "its datagram")
    with world.client.connect(EDGE_V4, FIRST + 7):
        taken_tcp.accept()[0].close()
    ask(world.udp_client(FIRST + 7, EDGE_V6), b"UDP of the port whose TCP is taken")
    expect_echo(world.connect(FIRST + 8))
