"""Backends on the hub's own host: by its loopback address, and by an address that others know too."""

import secrets

from harness.datagrams import LARGEST, ask, expect_all_arrived, expect_nothing, name_of, row_of
from harness.runner import case
from harness.sockets import expect_echo
from harness.steered import await_packets, counted
from harness.topology import CLIENTS_V4, EDGE_V6, HUB_BACKEND
from harness.udp_peers import Dnsdist, await_clients, dig_by_every_way
from harness.wait import expect, expect_equal, until

LOOPBACK = "127.0.0.1"
LONGEST = 65_535 - 28 - 8  # with the head of a frame it is still an IP packet


def check_echo(world, target):
    world.udp_echo(7000, target, world.hub)
    world.echo_backend(7000, target, world.hub)
    hub, edge = world.pair([{"name": "echo", "protocol": "both", "ports": 7000, "target": target}])
    clients = [world.udp_client(7000, source=source) for source in CLIENTS_V4[:5]] + [world.udp_client(7000, EDGE_V6)]
    for size in (1, 100, 1200, 1472, 0):
        for client in clients:
            ask(client, secrets.token_bytes(size))
    expect_echo(world.connect(7000))
    rows = hub.sessions()
    expect_equal({row["client"] for row in rows}, {name_of(client.getsockname()) for client in clients}, "sessions")
    expect_equal(len({row["source"] for row in rows}), len(clients), "a source for each client")
    expect(all(row["source"].startswith("198.19.") for row in rows), f"of the inner network: {rows[0]['source']}")
    await_packets(hub, "steer_out_xdp", "delivered", 24)
    await_packets(hub, "steer_in_xdp", "steered", 24)
    expect_all_arrived(hub, edge)


@case(kernel=True, short=True)
def on_the_loopback_address(world):
    check_echo(world, LOOPBACK)


@case(kernel=True)
def on_an_address_of_the_hub(world):
    check_echo(world, HUB_BACKEND)


@case(kernel=True)
def large_datagrams(world):
    """In a frame of several buffers; there is no second way to a backend on this host."""
    world.udp_echo(7000, LOOPBACK, world.hub)
    hub, edge = world.pair([{"name": "echo", "protocol": "udp", "ports": 7000, "target": LOOPBACK}])
    client = world.udp_client(7000)
    for size in (1473, 2900, 2965, 3500, 9000, 20_000, LONGEST):
        ask(client, secrets.token_bytes(size))
    expect_all_arrived(hub, edge)
    for size in (LONGEST + 1, LARGEST):
        client.send(bytes(size))
    until(lambda: row_of(hub, "echo", "tunnel_to_backend")["dropped"] == 2, "what is longer is in the books")
    expect_nothing(client)


@case(kernel=True)
def dnsdist_sees_the_client(world):
    dnsdist = Dnsdist(world, world.hub, (LOOPBACK, HUB_BACKEND), ("198.18.0.0/15", LOOPBACK, HUB_BACKEND))
    dns = {"name": "dns", "protocol": "both", "ports": 53, "target": f"{LOOPBACK}:53", "client": "proxy-v2"}
    hub, edge = world.pair([dns, {**dns, "name": "own", "ports": 5300, "target": f"{HUB_BACKEND}:53"}])
    wanted = dig_by_every_way(world, (53, 5300))
    expect_equal(sorted(await_clients(dnsdist, len(wanted))), sorted(wanted), "clients in dnsdist's log")
    expect(counted(hub, "steer_in_xdp", "steered") >= 4, "answers went by the programs")
    expect_all_arrived(hub, edge)
