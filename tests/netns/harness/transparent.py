"""Transparent UDP services: the routes that they need, and how to talk through one."""

import secrets
import time

from harness.topology import (BACKEND_V4, BACKEND_V6, CLIENTS_V4, CLIENTS_V6, EDGE_TUNNEL, EDGE_V4, EDGE_V6,
                              HUB_BACKEND, HUB_BACKEND_V6, HUB_TUNNEL)
from harness.wait import expect, expect_equal

PORTS = {BACKEND_V4: 7004, BACKEND_V6: 7006}
WAYS = [(EDGE_V4, CLIENTS_V4[3], BACKEND_V4), (EDGE_V6, CLIENTS_V6[2], BACKEND_V6)]
PERMITTED = {"edge": {"direct_to": ["10.0.3.0/24", "fd00:3::/64"]}}
EDGE_LINK_V6, HUB_LINK_V6 = "fd00:5::1", "fd00:5::2"


def services(**options):
    """One for each backend."""
    targets = {"v4": BACKEND_V4, "v6": f"[{BACKEND_V6}]:7006"}
    return [{"name": name, "protocol": "udp", "ports": port, "target": target, "client": "transparent", **options}
            for (name, target), port in zip(targets.items(), PORTS.values())]


def lead_answers(world):
    """Routes by which backends' answers to clients come to the hub."""
    world.backend.ip("route", "add", "192.0.2.0/24", "via", HUB_BACKEND)
    world.backend.ip("route", "add", "2001:db8:1::/64", "via", HUB_BACKEND_V6)


def lead_on(world):
    """The hub's host is a router between edge and backends, both ways."""
    lead_answers(world)
    for setting in ("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"):
        done = world.processes.run(["sysctl", "-w", setting], world.hub)
        expect_equal(done.returncode, 0, done.stderr)
    world.edge.ip("address", "add", f"{EDGE_LINK_V6}/64", "dev", "hub", "nodad")
    world.hub.ip("address", "add", f"{HUB_LINK_V6}/64", "dev", "edge", "nodad")
    world.edge.ip("route", "add", "10.0.3.0/24", "via", HUB_TUNNEL)
    world.edge.ip("route", "add", "fd00:3::/64", "via", HUB_LINK_V6)
    world.hub.ip("route", "add", "192.0.2.0/24", "via", EDGE_TUNNEL)
    world.hub.ip("route", "add", "2001:db8:1::/64", "via", EDGE_LINK_V6)


def hub_pair(world, wanted=None, **nodes):
    lead_answers(world)
    return world.pair(wanted or services(), **nodes)


def direct_pair(world, wanted=None, **nodes):
    lead_on(world)
    return world.pair(wanted or services(way="direct"), **{"edge": PERMITTED, **nodes})


def exchange(client, backend, payload, answer_size=300):
    """A datagram that comes from the client itself, and an answer to it."""
    client.send(payload)
    datagram, source = backend.recvfrom(65536)
    expect(datagram == payload, f"a datagram of {len(payload)} bytes, not {len(datagram)}")
    expect_equal(source[:2], client.getsockname()[:2], "whom the backend sees")
    answer = secrets.token_bytes(answer_size)
    backend.sendto(answer, source)
    expect(client.recv(65536) == answer, "the answer, from the address that was asked")


def settle(client, backend):
    """A session whose neighbours are known: the programs carry what comes next."""
    for _ in range(3):
        exchange(client, backend, b"settle")
        time.sleep(0.3)
