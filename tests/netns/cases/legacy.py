"""Streams between us and peers that speak the published protocol only."""

import concurrent.futures
import secrets
import socket

from harness.daemon import Hub, bytes_of
from harness.legacy import edge_at_legacy_hub, legacy_edge
from harness.runner import case
from harness.sockets import expect_echo, is_refused, receive, receive_all
from harness.topology import BACKEND_V4, CLIENTS_V4, EDGE_V4
from harness.wait import expect, expect_equal, until

SIZE = 20_000_000


def exchange(client, backend):
    """20 MB both ways at once; then the client ends its direction, and the backend answers once more."""
    up, down = secrets.token_bytes(SIZE), secrets.token_bytes(SIZE)
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        arrived_up = pool.submit(receive, backend, SIZE)
        arrived_down = pool.submit(receive, client, SIZE)
        sending = pool.submit(backend.sendall, down)
        client.sendall(up)
        sending.result()
        expect(arrived_up.result() == up, "20 MB to the backend, byte for byte")
        expect(arrived_down.result() == down, "20 MB to the client, byte for byte")
    client.shutdown(socket.SHUT_WR)
    expect_equal(backend.recv(10), b"", "the client's end at the backend")
    backend.sendall(b"one more word")
    backend.close()
    expect_equal(receive_all(client), b"one more word", "what the backend says after the client's end")


@case(short=True, carrier="tls")
def a_legacy_edge_at_our_hub(world):
    listener = world.listen(7000)
    hub = Hub(world, {}).start()
    hub.add_service("raw", "7000", BACKEND_V4, client="proxy-v1")
    peer = legacy_edge(world, hub.add_edge())
    hub.await_event("edge_connected", edge="edge-1")
    expect_equal((hub.edge()["legacy"], hub.edge()["connected"]), (True, True), "the edge as the hub sees it")
    world.await_listener(world.edge, 7000)
    client, backend = world.flow(7000, listener, source=CLIENTS_V4[7])
    address, port = client.getsockname()
    line = f"PROXY TCP4 {address} {EDGE_V4} {port} 7000\r\n".encode()
    expect_equal(receive(backend, len(line)), line, "PROXY line at the backend")
    exchange(client, backend)
    closed = hub.await_event("stream_closed", service="raw", reason="completed")
    expect_equal(bytes_of(closed), (SIZE, SIZE + 13), "bytes in the event")

    world.echo_backend(7001)
    hub.ctl("services", "set", "raw", "--client", "none")
    hub.ctl("ports", "add", "raw", "7001")
    world.await_listener(world.edge, 7001)
    expect_echo(world.connect(7001))
    peer.check()


@case(short=True, carrier="tls")
def our_edge_at_a_legacy_hub(world):
    listener = world.listen(7000)
    peer, edge = edge_at_legacy_hub(world, "--ports", "7000,7001")
    edge.start()
    until(lambda: edge.status()["edge"]["connected"], "the edge is connected")
    tunnel, = edge.look("tunnels")["tunnels"]
    expect_equal((tunnel["legacy"], [carrier["up"] for carrier in tunnel["carriers"]]), (True, [True]),
                 "the tunnel: legacy, and of one carrier, for the protocol knows no second")
    edge.await_port("tcp", 7001)
    client, backend = world.flow(7000, listener)
    line = "PROXY TCP4 {} {} {} 7000\r\n".format(client.getsockname()[0], EDGE_V4, client.getsockname()[1]).encode()
    expect_equal(receive(backend, len(line)), line, "PROXY line at the backend")
    exchange(client, backend)
    closed = edge.await_event("stream_closed", reason="completed")
    expect_equal(bytes_of(closed), (SIZE, SIZE + 13), "bytes in the event")

    peer.say("ports 7000,7002")
    edge.await_port("tcp", 7002)
    until(lambda: is_refused(world.client, EDGE_V4, 7001), "the port that is no longer assigned refuses")
    peer.check()
