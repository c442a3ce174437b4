"""Who wants to be taken for the kernel programs or for the daemon: from the wire, and from a user of the host."""

import re
import socket
import struct

from harness.datagrams import ask, expect_nothing
from harness.programs import PYTHON
from harness.raw import raw_socket, send_udp
from harness.runner import case
from harness.steered import await_packets, counted, pinned
from harness.topology import BACKEND_V4, CLIENTS_V4, EDGE_V4, HUB_BACKEND
from harness.wait import expect, expect_equal, until

ECHO = {"name": "echo", "protocol": "udp", "ports": 7000, "target": BACKEND_V4}
STEERING = "198.18.0.1"
INSIDE = ["198.18.0.1", "198.18.77.9", "198.19.0.9", "198.19.255.255"]
NOBODY = 65534
SEND = """
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.bind((sys.argv[1], int(sys.argv[2])))
    for _ in range(20):
        s.sendto(bytes.fromhex(sys.argv[5]), (sys.argv[3], int(sys.argv[4])))
"""


def a_session(world):
    """(hub, edge, client): one assured session of an echo service."""
    world.udp_echo(7000)
    hub, edge = world.pair([ECHO])
    client = world.udp_client(7000)
    for n in range(3):
        ask(client, b"a real client %d" % n)
    return hub, edge, client


def settings(world, node):
    """What the programs of a node were told."""
    return pinned(world, node, "pst_settings")[0]


def address(number):
    """Of a __be32, as a little-endian host prints it."""
    return socket.inet_ntoa(struct.pack("=I", number))


def lane_ports(world, node):
    """Ports of the steering sockets: no secret, everybody on the host can see them."""
    text = world.processes.run(["ss", "-Hlun"], node.namespace).stdout
    return [int(port) for port in re.findall(rf"{re.escape(STEERING)}:(\d+)", text)]


def as_nobody(world, node, source, target, payload):
    """Twenty datagrams by a user without rights in the node's namespace: CompletedProcess."""
    return world.processes.run(
        ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", PYTHON, "-c", SEND,
         source[0], source[1], target[0], target[1], payload.hex()], node.namespace)


def expect_untouched(hub, edge, client, datagrams):
    """The one session goes on, and saw those datagrams and no other."""
    expect_nothing(client)
    ask(client, b"and still")
    for node in (hub, edge):
        row, = node.sessions()
        expect_equal(row["to_backend"]["datagrams"], datagrams + 1, f"datagrams to the backend at {node.name}")
        expect_equal(row["to_client"]["datagrams"], datagrams + 1, f"datagrams to the client at {node.name}")


@case(kernel=True, short=True)
def from_the_wire(world):
    """Sent to the network inside of the host, or from there; by clients and by backends."""
    hub, edge, client = a_session(world)
    id_and_payload = struct.pack(">I", edge.sessions()[0]["id"]) + b"forged"
    for node, program, sender, own, near, port in (
            (edge, "edge_xdp", world.client, CLIENTS_V4[0], EDGE_V4, 7000),
            (hub, "steer_in_xdp", world.backend, BACKEND_V4, HUB_BACKEND, 20000)):
        sender.ip("route", "add", "198.18.0.0/15", "via", near)
        raw = world.keep(raw_socket(sender))
        sent = 0
        for inside in INSIDE:
            for lane in lane_ports(world, node):
                send_udp(raw, (own, 4000), (inside, lane), id_and_payload)
                sent += 1
            if inside != INSIDE[-1]:  # a broadcast address is none to send from
                send_udp(raw, (inside, 4000), (near, port), b"forged")
                sent += 1
        await_packets(node, program, "forged", sent)
        expect_equal(counted(node, program, "forged"), sent, f"packets forged at {node.name}")
    expect_untouched(hub, edge, client, 3)


@case(kernel=True)
def from_a_user_of_the_host_to_the_daemon(world):
    """[id][payload] to the steering sockets, over the loopback device."""
    hub, edge, client = a_session(world)
    for node in (edge, hub):
        payload = struct.pack(">I", node.sessions()[0]["id"]) + b"forged"
        ports = lane_ports(world, node)
        expect(ports, f"steering sockets at {node.name}")
        for port in ports:
            for source in ("0.0.0.0", STEERING):
                done = as_nobody(world, node, (source, 0), (STEERING, port), payload)
                expect_equal(done.returncode, 0, f"sent as nobody: {done.stderr}")
        until(lambda node=node, ports=ports: node.count("forged") >= 40 * len(ports), f"all are counted at {node.name}")
    expect_untouched(hub, edge, client, 3)


@case(kernel=True)
def from_a_user_of_the_host_to_the_programs(world):
    """Frames along the steering device, by one who knows all but cannot have the daemon's port."""
    hub, edge, client = a_session(world)
    for node, flags in ((edge, 0), (hub, 1)):
        secret = settings(world, node)
        frame = struct.pack(">IHBB", node.sessions()[0]["id"], 6, flags, 0) + b"forged"
        virtual = address(secret["virtual_address"]), socket.ntohs(secret["virtual_port"])
        for target in (virtual, ("198.18.200.200", 9)):
            done = as_nobody(world, node, ("0.0.0.0", 0), target, frame)
            expect_equal(done.returncode, 0, f"sent as nobody: {done.stderr}")
        await_packets(node, "steer_out_xdp", "forged", 40)
        expect_equal(counted(node, "steer_out_xdp", "forged"), 40, f"frames forged at {node.name}")
        taken = as_nobody(world, node, (STEERING, lane_ports(world, node)[0]), virtual, frame)
        expect("Address already in use" in taken.stderr, f"the daemon's port is its own: {taken.stderr}")
    expect_untouched(hub, edge, client, 3)
