"""A node with the privileges that the systemd drop-in for kernel steering gives it, and no more."""

import os
import pathlib
import pwd
import subprocess

from harness.daemon import Edge, Hub
from harness.datagrams import ask
from harness.runner import case
from harness.steered import counted
from harness.topology import BACKEND_V4
from harness.wait import expect, expect_equal

DROP_IN = pathlib.Path(__file__).parents[3] / "tools" / "systemd" / "kernel-steering.conf"


def capabilities():
    values = [line.partition("=")[2] for line in DROP_IN.read_text().splitlines()
              if line.startswith("CapabilityBoundingSet=CAP_")]
    expect_equal(len(values), 1, "lines that say which capabilities")
    return [name.removeprefix("CAP_").lower() for name in values[0].split()]


def confine(node, user):
    """`node` will start as root within the bounds of the unit; its folder belongs to `user`, and bpf is mounted."""
    node.pins.mkdir(parents=True)
    subprocess.run(["mount", "-t", "bpf", "bpf", node.pins], check=True)
    bounds = ",".join(["-all", *(f"+{name}" for name in capabilities())])
    node.wrapper = ["setpriv", "--bounding-set", bounds]
    os.chown(node.directory, user.pw_uid, user.pw_gid)


@case(kernel=True)
def the_units_capabilities_are_enough(world):
    user = pwd.getpwnam("nobody")
    world.directory.chmod(0o755)
    world.udp_echo(7000)
    hub = Hub(world, {"node": {"user": "nobody"}})
    confine(hub, user)
    hub.start()
    hub.add_service("echo", "7000", BACKEND_V4, protocol="udp")
    edge = Edge(world, hub.add_edge(), {"node": {"user": "nobody"}})
    confine(edge, user)
    os.chown(edge.token_file, user.pw_uid, user.pw_gid)
    edge.start()
    edge.await_connected()
    hub.await_ports("echo")
    client = world.udp_client(7000)
    for turn in range(5):
        ask(client, b"datagram %d" % turn)
    expect(counted(edge, "edge_xdp", "steered") >= 2, "edge_xdp steers")
    expect(counted(hub, "steer_in_xdp", "steered") >= 2, "steer_in_xdp steers")
