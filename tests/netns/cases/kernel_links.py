"""Frames between programs and daemon without the host's stack: by a ring and a tap device of each worker."""

import struct

from harness.datagrams import ask, expect_all_arrived, expect_nothing
from harness.raw import raw_socket, udp_packet
from harness.runner import case
from harness.steered import counted, steered_so_far
from harness.topology import BACKEND_V4, CLIENTS_V4, EDGE_V4, EDGE_V6
from harness.wait import expect, expect_equal, until

ECHO = {"name": "echo", "protocol": "udp", "ports": 7000, "target": BACKEND_V4}
SIZES = (0, 1, 128, 129, 512, 513, 1200, 1400)
FIRST = "penstock2"  # the device of the first worker
TOGETHER = 60


def devices(node):
    return [link["device"] for link in node.status()["steering"]["links"]]


def frames(node):
    """(in, out) of all workers."""
    links = node.status()["steering"]["links"]
    return sum(link["in"] for link in links), sum(link["out"] for link in links)


def calls(node):
    """Of the system, for frames out."""
    return sum(link["out_calls"] for link in node.status()["steering"]["links"])


def talk(client, what):
    for n in range(3):
        ask(client, b"%s %d" % (what, n))


def served(world):
    """(edge, client of a session that is known)"""
    world.udp_echo(7000)
    _, edge = world.pair([ECHO])
    client = world.udp_client(7000)
    talk(client, b"before")
    return edge, client


def has_device(world, node):
    return world.processes.run(["ip", "link", "show", "dev", FIRST], node.namespace).returncode == 0


@case(kernel=True, short=True)
def frames_of_sessions_pass_by_them(world):
    world.udp_echo(7000)
    hub, edge = world.pair([ECHO])
    clients = [world.udp_client(7000, source=CLIENTS_V4[n]) for n in range(3)] + [world.udp_client(7000, EDGE_V6)]
    for size in SIZES:
        for client in clients:
            ask(client, bytes(size))
    asked = len(SIZES) * len(clients)
    for node, program in ((edge, "edge_xdp"), (hub, "steer_in_xdp")):
        came, left = frames(node)
        expect(asked - len(clients) <= came <= counted(node, program, "steered"),
               f"frames by the ring of {node.name}: {came} of {asked}")
        expect(left >= asked - len(clients), f"frames by the device of {node.name}: {left} of {asked}")
        expect(f"by {FIRST} (" in node.ctl("status"), f"the way of frames in: {node.ctl('status')}")
        expect_equal(node.status()["steering"]["why_no_links"], "", f"what {node.name} lacks")
    expect_all_arrived(hub, edge)


@case(kernel=True, short=True)
def those_that_come_together_leave_together(world):
    """With few calls of the system: while the edge stands still, all of them come to wait in its ring. The system may
    bring them there after send() has returned."""
    world.udp_echo(7000)
    hub, edge = world.pair([ECHO])
    client = world.udp_client(7000)
    ask(client, b"opens the session")
    before, calls_before = frames(hub)[1], calls(hub)
    edge.pause()
    wanted = steered_so_far(world, edge) + TOGETHER
    for n in range(TOGETHER):
        client.send(b"%d" % n)
    until(lambda: steered_so_far(world, edge) == wanted, "all are in the edge's ring")
    edge.go_on()
    for n in range(TOGETHER):
        expect_equal(client.recv(100), b"%d" % n, "the answers, in order")
    left, called = frames(hub)[1] - before, calls(hub) - calls_before
    expect_equal(left, TOGETHER, "frames to the backend")
    expect(called * 4 <= left, f"{left} frames left with {called} calls")
    expect_all_arrived(hub, edge)


@case(kernel=True)
def they_end_with_the_daemon(world):
    edge, client = served(world)
    edge.kill()
    until(lambda: not has_device(world, edge), f"{FIRST} is gone")
    client.send(b"into a ring without a reader")
    edge.start()
    edge.await_connected()
    until(lambda: has_device(world, edge), f"{FIRST} is there again")
    talk(client, b"after")
    expect(min(frames(edge)) >= 2, f"frames go by the new ones: {frames(edge)}")


@case(kernel=True)
def without_a_device_frames_pass_the_stack(world):
    """Something else has its name. The next daemon, which finds it free, has a link; and the one after has none."""
    world.udp_echo(7000)
    hub, edge = world.pair([ECHO])
    client = world.udp_client(7000)
    ask(client, b"opens the session")
    for taken in (True, False, True):
        edge.stop()
        edge.namespace.ip("link", *(("add", FIRST, "type", "veth", "peer", "name", "other") if taken
                                    else ("delete", FIRST)))
        edge.start()
        edge.await_connected()
        hub.await_ports("echo")
        expect_equal(devices(edge)[:1], [] if taken else [FIRST], "links")
        expect_equal(edge.status()["steering"]["why_no_links"], f"interface {FIRST} is there" if taken else "", "why")
        steered = counted(edge, "edge_xdp", "steered")
        for size in SIZES:
            ask(client, bytes(size))
        expect(counted(edge, "edge_xdp", "steered") >= steered + len(SIZES) - 2, "the program steered all the same")


@case(kernel=True)
def a_wrong_checksum_ends_at_the_edge(world):
    """The stack is not there to look at it."""
    edge, client = served(world)
    _, port = client.getsockname()[:2]
    before = edge.count("malformed")
    whole = udp_packet(CLIENTS_V4[0], port, EDGE_V4, 7000, b"damaged on its way")
    damaged = whole[:26] + struct.pack(">H", 0xbad1) + whole[28:]
    with raw_socket(world.client) as raw:
        raw.sendto(damaged, (EDGE_V4, 0))
    until(lambda: edge.count("malformed") == before + 1, "it is counted")
    expect_nothing(client)
    ask(client, b"and still")
