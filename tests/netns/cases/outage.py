"""The tunnel goes away and comes back."""

import time

from harness.daemon import QUICK
from harness.runner import case
from harness.sockets import expect_echo, expect_refused_flow, expect_reset, receive
from harness.topology import BACKEND_V4
from harness.wait import expect, expect_equal, until

RAW = {"name": "raw", "ports": 7000, "target": BACKEND_V4}
HOLDING = {**QUICK, "flow": {"hold": "30s"}}


@case()
def the_link_is_cut_in_mid_transfer(world):
    listener = world.listen(7000)
    hub, edge = world.pair([RAW], hub=QUICK, edge=QUICK)
    client, backend = world.flow(7000, listener)
    client.sendall(b"first half")
    receive(backend, 10)
    world.edge.link("hub", "down")
    expect_reset(client)
    expect_reset(backend)
    for node in (hub, edge):
        node.await_event("stream_closed", service="raw", reason="tunnel_lost")
        node.await_event("carrier_down", reason="peer_silent")
        expect_equal(node.count("tunnel_lost"), 1, f"tunnel_lost at {node.name}")
    edge.await_event("tunnel_down")
    hub.await_event("edge_disconnected")
    expect(edge.last_error(), "the edge says why it is not connected")
    world.edge.link("hub", "up")
    edge.await_connected(40)
    expect_equal(len(edge.events("tunnel_up")), 2, "tunnel_up events")
    client, backend = world.flow(7000, listener)
    client.sendall(b"second life")
    expect_equal(receive(backend, 11), b"second life", "bytes after the outage")


@case(short=True)
def the_hub_is_killed_and_restarted(world):
    world.echo_backend(7000)
    hub, edge = world.pair([RAW], edge=QUICK)
    pin = hub.status()["hub"]["pin"]
    client = world.connect(7000)
    expect_echo(client)
    hub.kill()
    expect_reset(client)
    edge.await_event("stream_closed", service="raw", reason="tunnel_lost")
    edge.await_event("tunnel_down")
    hub.start()
    edge.await_connected()
    expect_equal(hub.status()["hub"]["pin"], pin, "the hub's pin after the restart")
    expect_equal(hub.service("raw")["origin"], "store", "where the service comes from")
    expect_echo(world.connect(7000))


@case()
def new_connections_wait_for_the_tunnel(world):
    world.echo_backend(7000)
    hub, edge = world.pair([RAW], edge=HOLDING)
    hub.kill()
    edge.await_event("tunnel_down")
    client = world.connect(7000, timeout=30)
    client.sendall(b"patience")
    until(lambda: edge.status()["edge"]["held"] == 1, "one connection is held")
    hub.start()
    expect_equal(receive(client, 8), b"patience", "what was sent while the connection was held")
    expect_equal(edge.status()["edge"]["held"], 0, "connections held after the tunnel came back")
    expect_equal(edge.count("tunnel_down"), 0, "connections given up")


@case()
def a_held_connection_is_reset_in_the_end(world):
    hub, edge = world.pair([RAW], edge={**QUICK, "flow": {"hold": "4s"}})
    hub.kill()
    edge.await_event("tunnel_down")
    began = time.monotonic()
    client = world.connect(7000)
    until(lambda: edge.status()["edge"]["held"] == 1, "one connection is held")
    expect_reset(client)
    expect(time.monotonic() - began > 3.5, "it was held before it was reset")
    edge.await_count("tunnel_down")
    expect_equal(edge.status()["edge"]["held"], 0, "connections held")


@case()
def no_more_connections_are_held_than_may_be(world):
    world.echo_backend(7000)
    hub, edge = world.pair([RAW], edge={**HOLDING, "limits": {"held_connections": 3}})
    hub.kill()
    edge.await_event("tunnel_down")
    held = [world.connect(7000, timeout=30) for _ in range(3)]
    until(lambda: edge.status()["edge"]["held"] == 3, "three connections are held")
    expect_refused_flow(lambda: world.connect(7000))
    edge.await_count("hold_full")
    hub.start()
    for client in held:
        expect_echo(client)
    expect_equal(edge.status()["reasons"].get("tunnel_down", 0), 0, "held connections given up")


@case(carrier="tls")
def one_of_several_carriers_is_lost(world):
    """Flows of the others go on; the lost carrier comes back."""
    world.echo_backend(7000)
    hub, edge = world.pair([RAW], edge={"edge": {"carriers": 2}})
    clients = [world.connect(7000) for _ in range(8)]
    for client in clients:
        expect_echo(client)
    flows = {flow["client"]: flow["carrier"] for flow in edge.flows()}
    edge.cut_carrier(0)
    for client in clients:
        if flows["{}:{}".format(*client.getsockname())] == "0":
            expect_reset(client)
        else:
            expect_echo(client)
    edge.await_connected()
    expect_equal(len(edge.events("tunnel_up")), 1, "the tunnel itself stayed up")
    expect_echo(world.connect(7000))
