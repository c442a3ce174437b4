"""How a flow ends: one direction at a time, by reset, or because the backend cannot be reached."""

import hashlib
import secrets
import time

from harness.daemon import bytes_of
from harness.runner import case
from harness.sockets import expect_broken, expect_end, expect_refused_flow, expect_reset, receive, receive_all, reset
from harness.topology import BACKEND_SILENT, BACKEND_V4
from harness.wait import expect, expect_equal, until

RAW = {"name": "raw", "ports": 7000, "target": BACKEND_V4}


def socat(world, port, address):
    """socat as the backend: joins each connection to an address of its own kind, each direction ending by itself."""
    program, environment = world.programs.peer("socat")
    process = world.processes.start(
        f"socat-{port}", [program, "-t", "60", f"TCP-LISTEN:{port},bind={BACKEND_V4},reuseaddr,fork",
                          address], world.backend, environment)
    world.await_listener(world.backend, port)
    return process


@case(short=True)
def the_client_ends_first(world):
    socat(world, 7000, "EXEC:sha256sum")  # answers only when its input has ended
    hub, edge = world.pair([RAW])
    data = secrets.token_bytes(3_000_001)
    client = world.connect(7000)
    client.sendall(data)
    client.shutdown(1)
    answer = receive_all(client)
    expect_equal(answer.split()[:1], [hashlib.sha256(data).hexdigest().encode()], "the sum that the backend computed")
    for node in (hub, edge):
        closed = node.await_event("stream_closed", service="raw", reason="completed")
        expect_equal(bytes_of(closed), (len(data), len(answer)), "bytes in the event")


@case(short=True)
def the_backend_ends_first(world):
    greeting, stored = world.directory / "greeting", world.directory / "stored"
    greeting.write_text("ready\n")
    socat(world, 7000, f"OPEN:{greeting},rdonly!!CREATE:{stored}")
    hub, _ = world.pair([RAW])
    client = world.connect(7000)
    expect_equal(receive_all(client), b"ready\n", "what the backend said before it ended")
    flow, = hub.flows()
    expect_equal(flow["state"], "half_closed_backend", "state of the flow")
    data = secrets.token_bytes(2_000_003)
    client.sendall(data)
    client.shutdown(1)
    closed = hub.await_event("stream_closed", service="raw", reason="completed")
    expect_equal(bytes_of(closed), (len(data), 6), "bytes in the event")
    until(lambda: stored.read_bytes() == data, "the backend has stored all, after it had ended its own direction")


@case()
def socat_to_socat(world):
    socat(world, 7000, "EXEC:tr a-z A-Z")
    hub, _ = world.pair([RAW])
    program, environment = world.programs.peer("socat")
    done = world.processes.run([program, "-t", "60", "-", "TCP:192.0.2.1:7000"], world.client,
                               input_text="half closed\n" * 20_000, environment=environment)
    expect_equal((done.returncode, done.stdout), (0, "HALF CLOSED\n" * 20_000), "socat's status and output")
    hub.await_event("stream_closed", service="raw", reason="completed", to_backend=240_000, to_client=240_000)


@case()
def a_half_closed_flow_does_not_stay_for_ever(world):
    listener = world.listen(7000)
    hub, edge = world.pair([RAW], hub={"flow": {"half_closed": "1s"}}, edge={"flow": {"half_closed": "1s"}})
    client, backend = world.flow(7000, listener)
    client.shutdown(1)
    expect_end(backend)
    expect_reset(client)
    expect_broken(backend)
    hub.await_event("stream_closed", service="raw", reason="half_closed_timeout")
    edge.await_count("half_closed_timeout")


@case(short=True)
def a_reset_of_the_client_reaches_the_backend(world):
    listener = world.listen(7000)
    hub, edge = world.pair([RAW])
    client, backend = world.flow(7000, listener)
    client.sendall(b"hello")
    receive(backend, 5)
    reset(client)
    expect_reset(backend)
    for node in (hub, edge):
        node.await_event("stream_closed", service="raw", reason="client_reset")
        expect_equal(node.status()["reasons"], {"client_reset": 1}, f"reasons at {node.name}")


@case(short=True)
def a_reset_of_the_backend_reaches_the_client(world):
    listener = world.listen(7000)
    hub, edge = world.pair([RAW])
    client, backend = world.flow(7000, listener)
    client.sendall(b"hello")
    receive(backend, 5)
    reset(backend)
    expect_reset(client)
    for node in (hub, edge):
        node.await_event("stream_closed", service="raw", reason="backend_reset")
        expect_equal(node.status()["reasons"], {"backend_reset": 1}, f"reasons at {node.name}")


@case(short=True)
def a_reset_purges_what_waits(world):
    """A client that does not read is reset by its backend: what is queued for it must not delay anything."""
    listener = world.listen(7000)
    hub, edge = world.pair([RAW])
    client, backend = world.flow(7000, listener)
    backend.setblocking(False)
    fill(backend)
    reset(backend)
    for node in (hub, edge):
        node.await_event("stream_closed", service="raw", reason="backend_reset")
        node.await_flows(0)
    other, its_backend = world.flow(7000, listener)
    its_backend.sendall(b"all is well")
    expect_equal(receive(other, 11), b"all is well", "bytes of the next flow")
    window = hub.status()["window"]
    expect(int(window["granted_to_client"]) <= 16 << 20, f"credit of the flow that ended was returned: {window}")


def fill(connection):
    """Writes until nothing more is taken."""
    block = bytes(1 << 20)
    quiet_since = time.monotonic()
    while time.monotonic() - quiet_since < 0.5:  # the tunnel goes on draining for a moment
        try:
            connection.send(block)
            quiet_since = time.monotonic()
        except BlockingIOError:
            time.sleep(0.01)


@case(short=True)
def nobody_listens_at_the_backend(world):
    hub, edge = world.pair([RAW])
    expect_refused_flow(lambda: world.connect(7000))
    for node in (hub, edge):
        node.await_event("stream_closed", service="raw", reason="dial_failed")
        expect_equal(node.status()["reasons"], {"dial_failed": 1}, f"reasons at {node.name}")


@case()
def the_backend_does_not_answer(world):
    hub, edge = world.pair([{"name": "silent", "ports": 7000, "target": f"{BACKEND_SILENT}:7000"}],
                           hub={"flow": {"dial": "500ms"}})
    client = world.connect(7000)
    client.sendall(b"early data waits with us")
    expect_reset(client)
    for node in (hub, edge):
        node.await_event("stream_closed", service="silent", reason="dial_timeout")
        expect_equal(node.status()["reasons"], {"dial_timeout": 1}, f"reasons at {node.name}")


@case()
def an_idle_flow_is_ended_where_the_service_says_so(world):
    listener = world.listen(7000)
    hub, edge = world.pair([{**RAW, "idle": "1s"}])
    client, backend = world.flow(7000, listener)
    client.sendall(b"hello")
    receive(backend, 5)
    expect_reset(client)
    expect_reset(backend)
    hub.await_event("stream_closed", service="raw", reason="idle_timeout")
    edge.await_count("idle_timeout")
