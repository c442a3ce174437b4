"""What bounds the use of a node: flows by source, service and in total, memory, descriptors, clients that vanish."""

import hashlib
import re
import subprocess

from harness.peers import Nginx, curl, sha256_of
from harness.process import processor_seconds
from harness.programs import HARNESS, PYTHON
from harness.runner import case
from harness.sockets import expect_echo, expect_refused_flow, expect_reset, receive
from harness.topology import BACKEND_V4, CLIENTS_V4, CLIENTS_V6, EDGE_V4, EDGE_V6
from harness.wait import expect, expect_equal, until

ECHO = {"name": "echo", "ports": 7000, "target": BACKEND_V4}
MiB = 1 << 20
MANY = 10_000


def expect_limit(world, port, held, reason, nodes, **options):
    """One connection more is reset for that reason; when one leaves there is room again."""
    expect_refused_flow(lambda: world.connect(port, **options))
    for node in nodes:
        node.await_count(reason)
    nodes[0].await_event("limit_reached", reason=reason)
    for connection in held:
        expect_echo(connection)
    before = nodes[0].status()["flows"]["open"]
    held.pop().close()
    nodes[0].await_flows(before - 1)
    expect_echo(world.connect(port, **options))


@case(short=True)
def flows_of_one_source(world):
    world.echo_backend(7000)
    hub, edge = world.pair([ECHO], edge={"limits": {"flows_per_source": 5}})
    other = world.connect(7000, source=CLIENTS_V4[1])
    held = [world.connect(7000, source=CLIENTS_V4[0]) for _ in range(5)]
    for connection in held:
        expect_echo(connection)
    expect_limit(world, 7000, held, "limit_source", [edge], source=CLIENTS_V4[0])
    expect_echo(other)
    expect_echo(world.connect(7000, source=CLIENTS_V4[1]))
    hub.await_flows(7)


@case()
def an_ipv6_source_is_a_whole_network(world):
    world.echo_backend(7000)
    _, edge = world.pair([ECHO], edge={"limits": {"flows_per_source": 3}})
    held = [world.connect(7000, host=EDGE_V6, source=source) for source in CLIENTS_V6[:3]]
    for connection in held:
        expect_echo(connection)
    expect_limit(world, 7000, held, "limit_source", [edge], host=EDGE_V6, source=CLIENTS_V6[3])


@case()
def flows_of_one_service(world):
    world.echo_backend(7000)
    world.echo_backend(7001)
    hub, edge = world.pair([{**ECHO, "max_flows": 3}, {"name": "other", "ports": 7001, "target": BACKEND_V4}])
    held = [world.connect(7000, source=CLIENTS_V4[n]) for n in range(3)]
    for connection in held:
        expect_echo(connection)
    expect_limit(world, 7000, held, "limit_service", [hub, edge], source=CLIENTS_V4[4])
    expect_echo(world.connect(7001))


@case()
def flows_of_one_source_in_a_service(world):
    world.echo_backend(7000)
    hub, edge = world.pair([{**ECHO, "max_flows_per_source": 2}])
    held = [world.connect(7000, source=CLIENTS_V4[0]) for _ in range(2)]
    for connection in held:
        expect_echo(connection)
    expect_limit(world, 7000, held, "limit_source", [hub, edge], source=CLIENTS_V4[0])
    expect_echo(world.connect(7000, source=CLIENTS_V4[1]))


@case()
def flows_in_total(world):
    world.echo_backend(7000)
    _, edge = world.pair([ECHO], edge={"limits": {"flows": 4}})
    held = [world.connect(7000, source=CLIENTS_V4[n]) for n in range(4)]
    for connection in held:
        expect_echo(connection)
    expect_limit(world, 7000, held, "limit_total", [edge], source=CLIENTS_V4[5])


@case(timeout=120)
def a_slow_reader_holds_no_memory_and_nobody_up(world):
    nginx = Nginx(world)
    digest = nginx.add_file("big", 256 * MiB)
    fast = nginx.add_file("fast", 64 * MiB)
    hub, edge = world.pair([{"name": "web", "ports": 8001, "target": f"{BACKEND_V4}:{Nginx.plain}"}])
    before = {node.name: node.process.resident_bytes() for node in (hub, edge)}
    slow = world.connect(8001, timeout=60)
    slow.sendall(b"GET /big HTTP/1.0\r\n\r\n")
    head = receive(slow, 4096)
    until(lambda: stalled(hub, slow), "the slow flow stands still", 20)

    for n in range(3):
        target = world.directory / f"fast-{n}"
        curl(world, f"http://{EDGE_V4}:8001/fast", "--output", target)
        expect_equal(sha256_of(target), fast, "checksum of a fast download")
    for node in (hub, edge):
        grown = node.process.resident_bytes() - before[node.name]
        expect(grown < 64 * MiB, f"{node.name} grew by {grown / MiB:.0f} MiB for a reader that does not read")
        spent = processor_seconds(node.process.pid)
        until(lambda node=node: node.status()["ready"], "it answers")
        expect(processor_seconds(node.process.pid) - spent < 1, f"{node.name} turns in circles")
    flow = the_flow_of(hub, slow)
    expect(int(flow["to_client"]) < 64 * MiB, f"the slow flow stands still: {flow}")

    hasher = hashlib.sha256()
    body = head.split(b"\r\n\r\n", 1)[1]
    while body:
        hasher.update(body)
        body = slow.recv(MiB)
    slow.close()
    expect_equal(hasher.hexdigest(), digest, "checksum of the slow download, read on at last")
    hub.await_count("completed", 4)


def the_flow_of(node, connection):
    address = "{}:{}".format(*connection.getsockname())
    flow, = [flow for flow in node.flows() if flow["client"] == address]
    return flow


def stalled(node, connection):
    """Nothing moved for a second, after something did."""
    flow = the_flow_of(node, connection)
    return int(flow["to_client"]) > 0 and flow["idle_s"] >= 1


@case(timeout=180)
def ten_thousand_idle_flows_on_one_carrier(world):
    world.echo_backend(7000)
    hub, edge = world.pair([ECHO], edge={"edge": {"carriers": 1}})
    client = world.processes.start(
        "many", [PYTHON, HARNESS / "many.py", "hold", EDGE_V4, 7000, MANY, *CLIENTS_V4], world.client,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    expect_equal(client.popen.stdout.readline(), f"open {MANY}\n".encode(), "what the client says")
    hub.await_flows(MANY, deadline=60)
    tunnel, = hub.look("tunnels")["tunnels"]
    expect_equal([carrier["flows"] for carrier in tunnel["carriers"]], [MANY], "flows of the only carrier")
    client.must_live = False
    client.popen.stdin.write(b"\n")
    client.popen.stdin.flush()
    expect_equal(client.popen.stdout.readline(), f"echoed {MANY}\n".encode(), "what the client says")
    for node in (hub, edge):
        resident = node.process.resident_bytes()
        expect(resident < 400 * MiB, f"{node.name} has {resident / MiB:.0f} MiB for {MANY} idle flows")
        expect_equal(node.status()["reasons"], {}, f"reasons at {node.name}")
    client.popen.stdin.write(b"\n")
    client.popen.stdin.flush()
    expect_equal(client.wait(), 0, "status of the client")
    for node in (hub, edge):
        node.await_flows(0, deadline=60)
        expect_equal(node.count("completed"), MANY, f"flows completed at {node.name}")


@case(short=True)
def descriptors_run_out(world):
    world.echo_backend(7000)
    hub, edge = world.pair([ECHO])
    edge.stop()
    edge.start(nofile=64 if world.steering == "socket" else 128)  # programs are loaded with some more
    edge.await_connected()
    clients = connect_many(world, 100)
    edge.await_count("accept_failed")  # operators are still heard
    began, spent = edge.status()["uptime_s"], processor_seconds(edge.process.pid)
    until(lambda: edge.status()["uptime_s"] >= began + 2, "two more seconds of this")
    expect(processor_seconds(edge.process.pid) - spent < 0.5, "it does not turn in circles meanwhile")
    for client in clients:
        client.close()
    edge.await_flows(0)
    expect_echo(world.connect(7000))


def connect_many(world, count):
    """As many as are not reset at once."""
    clients = []
    for _ in range(count):
        try:
            clients.append(world.connect(7000))
        except ConnectionResetError:
            pass
    return clients


@case(short=True)
def a_client_that_vanishes(world):
    listener = world.listen(7000)
    keepalive = {"flow": {"keepalive": "1s", "keepalive_interval": "1s", "keepalive_probes": 2}}
    hub, edge = world.pair([ECHO], edge=keepalive)
    client, backend = world.flow(7000, listener)
    client.sendall(b"hello")
    receive(backend, 5)
    world.client.link("edge", "down")
    expect_reset(backend)
    for node in (hub, edge):
        node.await_event("stream_closed", service="echo", reason="client_vanished")


@case()
def a_backend_that_vanishes(world):
    listener = world.listen(7000)
    keepalive = {"flow": {"keepalive": "1s", "keepalive_interval": "1s", "keepalive_probes": 2}}
    hub, edge = world.pair([ECHO], hub=keepalive)
    client, backend = world.flow(7000, listener)
    backend.sendall(b"hello")
    receive(client, 5)
    world.backend.link("hub", "down")
    expect_reset(client)
    for node in (hub, edge):
        node.await_event("stream_closed", service="echo", reason="backend_vanished")


@case()
def windows_draw_on_one_budget(world):
    """Ten clients that do not read: what is granted to them stays within the node's budget."""
    listener = world.listen(7000)
    budget = {"limits": {"window_budget": "8MiB", "flows": 64}}
    hub, edge = world.pair([ECHO], hub=budget, edge=budget)
    flows = [world.flow(7000, listener) for _ in range(10)]
    for _, backend in flows:
        backend.setblocking(False)
    until(lambda: all(push(backend) == 0 for _, backend in flows), "all backends are held back", 30)
    window = edge.status()["window"]
    expect(0 < int(window["granted_to_client"]) <= 8 * MiB, f"granted within the budget: {window}")
    client, backend = flows[0]
    backend.setblocking(True)
    expect(receive(client, 1 * MiB) == bytes(MiB), "a client that reads at last gets its bytes")


def push(connection):
    """Bytes that a connection takes now."""
    try:
        return connection.send(bytes(MiB))
    except BlockingIOError:
        return 0


@case()
def an_idle_daemon_is_idle(world):
    """With a tunnel and flows, but nothing to carry, it hardly uses the processor."""
    listener = world.listen(7000)
    hub, edge = world.pair([ECHO], hub={"tunnel": {"ping": "100ms"}}, edge={"tunnel": {"ping": "100ms"}})
    world.flow(7000, listener)
    before = {node.name: processor_seconds(node.process.pid) for node in (hub, edge)}
    until(lambda: hub.flows()[0]["idle_s"] >= 3, "three quiet seconds")
    for node in (hub, edge):
        spent = processor_seconds(node.process.pid) - before[node.name]
        expect(spent < 1.0, f"{node.name} used {spent:.2f} s of processor time while idle for 3 s")
    rtt = hub.look("tunnels")["tunnels"][0]["carriers"][0]["rtt_us"]
    expect(re.match(r"\d+$", str(rtt)) and int(rtt) > 0, f"pings measured the round trip: {rtt}")
