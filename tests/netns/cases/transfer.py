"""Bytes, many of them, both ways: none lost, none changed, each counted."""

import collections
import concurrent.futures

from harness.daemon import bytes_of
from harness.peers import Iperf, Nginx, curl, sha256_of
from harness.runner import case
from harness.sockets import receive
from harness.topology import BACKEND_V4, CLIENTS_V4, EDGE_V4
from harness.wait import expect, expect_equal, until

WEB = 8001
DOWNLOADS = 40
MiB = 1 << 20


def web_service():
    return {"name": "web", "ports": WEB, "target": f"{BACKEND_V4}:{Nginx.proxied}", "client": "proxy-v2"}


@case()
def iperf3_both_ways(world):
    iperf = Iperf(world)
    hub, edge = world.pair([{"name": "iperf", "ports": Iperf.port, "target": BACKEND_V4}])
    for options, way in ((["-t", "2"], "to_backend"), (["-t", "2", "-P", "4"], "to_backend"),
                         (["-t", "2", "-R"], "to_client"), (["-t", "2", "-P", "4", "-R"], "to_client")):
        before = int(hub.status()["bytes"][way])
        end = iperf.finish(iperf.start(EDGE_V4, Iperf.port, *options))
        received = end["sum_received"]["bytes"]
        expect(received > MiB, f"iperf3 {options} moved only {received} bytes")
        for node in (hub, edge):
            node.await_flows(0)
        counted = int(hub.status()["bytes"][way]) - before
        expect(counted >= received, f"the hub counts {counted} bytes, iperf3 {options} {received}")


@case(short=True)
def forty_downloads_at_once(world):
    nginx = Nginx(world)
    sums = {f"file-{n}": nginx.add_file(f"file-{n}", 256 * 1024 + n * 4099) for n in range(DOWNLOADS)}
    hub, edge = world.pair([web_service()])

    def download(name):
        target = world.directory / f"got-{name}"
        curl(world, f"http://{EDGE_V4}:{WEB}/{name}", "--output", target, source=CLIENTS_V4[int(name[5:]) % 20])
        return name, sha256_of(target)

    with concurrent.futures.ThreadPoolExecutor(DOWNLOADS) as pool:
        expect_equal(dict(pool.map(download, sums)), sums, "checksums of the downloads")
    for node in (hub, edge):
        node.await_count("completed", DOWNLOADS)
        expect_equal(node.status()["reasons"], {"completed": DOWNLOADS}, f"reasons at {node.name}")
    expect_equal(len(hub.events("stream_closed", service="web", reason="completed")), DOWNLOADS, "stream_closed events")


@case(short=True)
def a_large_upload(world):
    nginx = Nginx(world)
    digest = nginx.add_file("source", 64 * MiB)
    hub, _ = world.pair([web_service()])
    curl(world, f"http://{EDGE_V4}:{WEB}/upload/copy", "--upload-file", nginx.files / "source")
    expect_equal(sha256_of(nginx.files / "upload/copy"), digest, "checksum of what nginx stored")
    closed = hub.await_event("stream_closed", service="web", reason="completed")
    expect(int(closed["to_backend"]) > 64 * MiB, f"bytes of the upload in {closed}")


@case()
def byte_counters_move_and_end_exact(world):
    listener = world.listen(7000)
    hub, edge = world.pair([{"name": "raw", "ports": 7000, "target": BACKEND_V4}])
    client, backend = world.flow(7000, listener)
    sent, returned = 0, 0
    for size in (1, 1000, 300_000):
        client.sendall(b"c" * size)
        receive(backend, size)
        backend.sendall(b"b" * (size + 7))
        receive(client, size + 7)
        sent, returned = sent + size, returned + size + 7
        for node in (hub, edge):
            wanted = sent, returned
            until(lambda node=node, wanted=wanted: counters(node) == wanted, f"{wanted} bytes at {node.name}")
    client.close()
    backend.close()
    for node in (hub, edge):
        closed = node.await_event("stream_closed", service="raw", reason="completed")
        expect_equal(bytes_of(closed), (sent, returned), f"bytes at {node.name}")
        expect_equal(node.flows(), [], f"flows left at {node.name}")
    row = hub.service("raw")
    expect_equal((int(row["bytes_to_backend"]), int(row["bytes_to_client"]), int(row["flows_total"]), row["flows"]),
                 (sent, returned, 1, 0), "the service's totals")


def counters(node):
    flow, = node.flows()
    return bytes_of(flow)


@case()
def carriers_share_the_flows(world):
    world.echo_backend(7000)
    hub, edge = world.pair([{"name": "echo", "ports": 7000, "target": BACKEND_V4}], edge={"edge": {"carriers": 4}})
    for n in range(32):
        connection = world.connect(7000, source=CLIENTS_V4[n % 20])
        connection.sendall(b"x")
        receive(connection, 1)
    tunnel, = hub.look("tunnels")["tunnels"]
    expect_equal([carrier["up"] for carrier in tunnel["carriers"]], [True] * 4, "carriers up")
    flows = [carrier["flows"] for carrier in tunnel["carriers"]]
    expect_equal(sum(flows), 32, "flows on all carriers")
    expect(min(flows) >= 2, f"every carrier has a share: {flows}")
    for node in (hub, edge):
        tunnel, = node.look("tunnels")["tunnels"]
        expect_equal([carrier["index"] for carrier in tunnel["carriers"]], [0, 1, 2, 3], f"order at {node.name}")
        shares = {str(carrier["index"]): carrier["flows"] for carrier in tunnel["carriers"]}
        expect_equal(dict(collections.Counter(flow["carrier"] for flow in node.flows())), shares, "flows by carrier")
    expect_equal(hub.edge()["carriers"], 4, "carriers of the edge")
    expect_equal(edge.status()["edge"]["carriers_up"], 4, "carriers at the edge")


@case()
def a_hundred_small_requests(world):
    """Many short flows one after another: all are counted, none stays."""
    Nginx(world)
    hub, edge = world.pair([web_service()])
    url = f"http://{EDGE_V4}:{WEB}/who"
    answers = curl(world, url, *[url] * 99, "-H", "Connection: close", source=CLIENTS_V4[4])
    expect_equal([line.split()[0] for line in answers.splitlines()], [CLIENTS_V4[4]] * 100, "the answers")
    for node in (hub, edge):
        node.await_count("completed", 100)
        node.await_flows(0)
        expect_equal(node.status()["reasons"], {"completed": 100}, f"reasons at {node.name}")
