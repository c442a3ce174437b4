"""Carriers of QUIC begin, end and begin again: a hub that was killed, and the workers that carriers belong to."""

import contextlib
import secrets
import threading
import time

from harness.daemon import QUICK
from harness.datagrams import answers, ask
from harness.firewall import Firewall
from harness.runner import case
from harness.sockets import expect_echo, expect_reset, receive
from harness.streams import Load
from harness.toml import merged
from harness.topology import BACKEND_V4, CLIENTS_V4, EDGE_V6
from harness.wait import expect, expect_equal, until

ECHO = {"name": "echo", "ports": 7000, "target": BACKEND_V4}
TALK = {"name": "talk", "protocol": "udp", "ports": 7001, "target": BACKEND_V4}
LOST_ITS_MEMORY = "the peer knows nothing of the connection"
LONG_SILENCE = {"tunnel": {"ping": "50s", "timeout": "100s"}}  # so that only a reset can tell


def talkers(world):
    clients = [world.udp_client(7001, source=CLIENTS_V4[n]) for n in range(4)] + [world.udp_client(7001, EDGE_V6)]
    for client in clients:
        ask(client, b"one")
        ask(client, b"two")
    return clients


@case(short=True, carrier="quic")
def the_hub_is_killed_and_restarted_under_load(world):
    """It tells the edge, which would have waited for long, that it knows nothing of its connections."""
    world.echo_backend(7000)
    world.udp_echo(7001)
    hub, edge = world.pair([ECHO, TALK], edge=LONG_SILENCE)
    expect_equal(edge.carrier(0)["resumed"], False, "whether the first one is resumed")
    client = world.connect(7000, timeout=30.0)
    expect_echo(client)
    talks = [Load(lambda _, talker=talker: answers(talker)) for talker in talkers(world)]
    ids = {row["client"]: row["id"] for row in edge.sessions()}
    hub.kill()
    hub.start()
    began = time.monotonic()
    expect_reset(client)
    until(lambda: len(edge.events("carrier_down")) == 2, "both carriers are found dead")
    edge.await_connected(30.0)
    expect(time.monotonic() - began < 30, "well before the silence would have been noticed")
    downs = edge.events("carrier_down")
    expect_equal({(down["reason"], down["error"]) for down in downs}, {("peer_closed", LOST_ITS_MEMORY)}, "why they end")
    edge.await_event("stream_closed", service="echo", reason="tunnel_lost")
    resumed = [carrier["resumed"] for carrier in edge.carriers()]
    expect(True in resumed, f"one has the ticket of before, which is still good: {resumed}")
    hub.await_ports("echo")
    expect_echo(world.connect(7000))
    for talk in talks:
        talk.end()
    expect_equal({row["client"]: row["id"] for row in edge.sessions()}, ids, "ids of the edge's sessions")


@case(carrier="quic")
def marks_of_a_router_are_heeded(world):
    """The hub counts what came marked for congestion; the edge, which it tells, slows down and loses nothing."""
    listener = world.listen(7000)
    hub, edge = world.pair([{**ECHO, "name": "raw"}], edge={"tunnel": {"congestion": "cubic"}})
    firewall = Firewall(world)
    client, backend = world.flow(7000, listener)
    window = window_after(edge, client, backend)
    expect_equal(marked(hub), 0, "packets that came marked")
    firewall.mark_congestion()
    slower = window_after(edge, client, backend)
    expect(marked(hub) > 10, f"packets that came marked: {marked(hub)}")
    expect(slower < window / 4, f"congestion windows without and with marks: {window} and {slower}")
    firewall.lift()


@case(short=True, carrier="quic")
def a_carrier_without_traffic_is_found_dead_with_the_others(world):
    """The hub is asked on it as soon as another one ends; by its own silence it would be noticed much later."""
    world.echo_backend(7000)
    hub, edge = world.pair([ECHO], edge=LONG_SILENCE)
    client = world.connect(7000, timeout=30.0)
    expect_echo(client)
    expect_equal([carrier["index"] for carrier in edge.carriers() if carrier["flows"]], [0], "carriers with a flow")
    time.sleep(3)  # until all has been said that carriers say when they are new
    hub.kill()
    hub.start()
    with contextlib.suppress(ConnectionResetError):  # it may have been noticed by then, and is told only once
        client.sendall(b"anybody there?")
        expect_reset(client)
    until(lambda: len(edge.events("carrier_down")) == 2, "the other one is found dead as well")
    downs = {(down["carrier"], down["reason"], down["error"]) for down in edge.events("carrier_down")}
    expect_equal(downs, {(index, "peer_closed", LOST_ITS_MEMORY) for index in (0, 1)}, "how they end")
    edge.await_connected(30.0)
    expect_echo(world.connect(7000))


def window_after(edge, client, backend):
    """The congestion window of the flow's carrier behind some megabytes, which arrive as they were sent."""
    data = secrets.token_bytes(4 << 20)
    sender = threading.Thread(target=client.sendall, args=(data,), daemon=True)
    sender.start()
    expect(receive(backend, len(data)) == data, "what came is what was sent")
    sender.join(10)
    return next(carrier["quic"]["congestion_window"] for carrier in edge.carriers() if carrier["flows"])


def marked(hub):
    return sum(carrier["quic"]["marked_packets"] for carrier in hub.carriers())


@case(carrier="quic")
def carriers_keep_off_public_ports(world):
    """Where most ports that the system offers are public, carriers that are dialled take one of the others."""
    world.udp_echo(7001)
    public = range(40000, 40056)
    wide = {"name": "wide", "protocol": "udp", "ports": f"{public[0]}-{public[-1]}", "target": f"{BACKEND_V4}:7001"}
    hub, edge = world.pair([TALK], edge=QUICK)
    hub.add_service(**wide)
    hub.await_ports("wide")
    world.processes.run(["sysctl", "-qw", "net.ipv4.ip_local_port_range=40000 40063"], world.edge)
    for downs in range(1, 4):
        hub.kill()
        hub.start()
        until(lambda downs=downs: len(edge.events("tunnel_down")) == downs, "the edge notices")
        edge.await_connected(30.0)
        own = [int(carrier["local"].rpartition(":")[2]) for carrier in edge.carriers() if carrier["up"]]
        expect(own and not set(own) & set(public), f"ports of carriers: {own}")
    hub.await_ports("wide", deadline=30.0)
    for port in public[::11]:
        client = world.udp_client(port)
        until(lambda client=client: answers(client), f"port {port} is answered")


@case(short=True, carrier="quic")
def carriers_have_their_workers(world):
    """A hub finds the worker from the id that the edge dials by, and the same one when the carrier comes back."""
    world.udp_echo(7001)
    more = {"node": {"workers": 4}}
    hub, edge = world.pair([TALK], hub=merged(QUICK, more), edge=merged(QUICK, {"edge": {"carriers": 6}}))
    tunnel, = hub.look("tunnels")["tunnels"]
    expect_equal(len(tunnel["carriers"]), 6, "carriers at the hub")
    workers = {carrier["index"]: carrier["worker"] for carrier in tunnel["carriers"]}
    expect_equal(workers, wanted_workers(tunnel["instance"], 4), "worker of each carrier at the hub")
    expect(len(set(workers.values())) == 4, f"all workers have some: {workers}")

    clients = talkers(world)
    before = hub_sessions(hub)
    world.edge.link("hub", "down")
    edge.await_event("tunnel_down")
    hub.await_event("edge_disconnected")
    world.edge.link("hub", "up")
    edge.await_connected(60.0)
    for client in clients:
        until(lambda client=client: answers(client), f"{client.getsockname()} is answered again")
    tunnel, = hub.look("tunnels")["tunnels"]
    expect_equal({carrier["index"]: carrier["worker"] for carrier in tunnel["carriers"]}, workers, "workers afterwards")
    expect_equal(hub_sessions(hub), before, "ids of sessions, and their sources")


def wanted_workers(instance, count):
    return {index: (int(instance, 16) + index) % 256 % count for index in range(6)}


def hub_sessions(hub):
    return {row["client"]: (row["id"], row["source"]) for row in hub.sessions()}
