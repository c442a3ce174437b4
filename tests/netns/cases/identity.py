"""Who the backend sees: the client's own address, by PROXY v1 and v2, or none; and which port it is reached on."""

from harness.peers import HAProxy, Nginx, await_log_rows, curl
from harness.runner import case
from harness.sockets import expect_end, receive
from harness.topology import BACKEND_V4, CLIENTS_V4, CLIENTS_V6, EDGE_V4, EDGE_V6, HUB_BACKEND
from harness.wait import expect, expect_equal

V1, V2 = 8001, 8002
SEEN = sorted([CLIENTS_V4[3], CLIENTS_V6[2]] * 2)  # by a backend that was asked in every way


def services(target_port):
    return [
        {"name": "by-v1", "ports": V1, "target": f"{BACKEND_V4}:{target_port}", "client": "proxy-v1"},
        {"name": "by-v2", "ports": V2, "target": f"{BACKEND_V4}:{target_port}", "client": "proxy-v2"},
    ]


def ask_who(world, host, port, source):
    """(what the backend answered, what it should have): client address, port, public address, port."""
    url = f"http://[{host}]:{port}/who" if ":" in host else f"http://{host}:{port}/who"
    answer = curl(world, url, "--write-out", "%{local_port}", source=source)
    seen, local_port = answer.rsplit("\n", 1)
    return seen.split(), [source, local_port, host, str(port)]


def check_every_way(world):
    """Both versions, both families; returns how many requests there were."""
    ways = [(host, port, source) for host, source in ((EDGE_V4, CLIENTS_V4[3]), (EDGE_V6, CLIENTS_V6[2]))
            for port in (V1, V2)]
    for host, port, source in ways:
        seen, wanted = ask_who(world, host, port, source)
        expect_equal(seen, wanted, f"what the backend saw through port {port}")
    return len(ways)


def check_books(hub, edge, count):
    """Each flow is counted as completed at both ends, and as nothing else."""
    for node in (hub, edge):
        node.await_count("completed", count)
        node.await_flows(0)
        expect_equal(node.status()["reasons"], {"completed": count}, f"reasons at {node.name}")
        expect_equal(node.status()["flows"]["opened"], count, f"flows opened at {node.name}")


@case(short=True)
def nginx_sees_the_client(world):
    nginx = Nginx(world)
    hub, edge = world.pair(services(Nginx.proxied))
    count = check_every_way(world)
    rows = await_log_rows(nginx, count)
    expect_equal(sorted(row[0] for row in rows), SEEN, "addresses in nginx's log")
    expect_equal({row[4] for row in rows}, {HUB_BACKEND}, "the address that really connected to nginx")
    check_books(hub, edge, count)


@case(short=True)
def haproxy_sees_the_client(world):
    haproxy = HAProxy(world)
    hub, edge = world.pair(services(HAProxy.port))
    count = check_every_way(world)
    rows = await_log_rows(haproxy, count)
    expect_equal(sorted(row[1] for row in rows), SEEN, "addresses in HAProxy's log")
    check_books(hub, edge, count)


@case()
def events_and_flows_name_the_client(world):
    listener = world.listen(7000)
    hub, edge = world.pair([{"name": "raw", "ports": 7000, "target": BACKEND_V4}])
    client, backend = world.flow(7000, listener, source=CLIENTS_V4[5])
    address, port = client.getsockname()
    for node in (hub, edge):
        flow, = node.flows("--client", address)
        expect_equal(flow["client"], f"{address}:{port}", f"client of the flow at {node.name}")
        expect_equal(flow["local"], f"{EDGE_V4}:7000", f"public address of the flow at {node.name}")
        expect_equal((flow["service"], flow["edge"], flow["state"]), ("raw", "edge-1", "open"), f"flow at {node.name}")
        expect_equal(node.flows("--client", CLIENTS_V4[6]), [], "flows of another client")
    expect_equal(hub.flows()[0]["backend"], f"{BACKEND_V4}:7000", "backend of the flow")
    opened = hub.await_event("stream_opened", service="raw")
    expect_equal(opened["client"], f"{address}:{port}", "client in stream_opened")
    client.close()
    backend.close()
    hub.await_event("stream_closed", service="raw", reason="completed", client=f"{address}:{port}")


@case()
def no_header_unless_asked(world):
    listener = world.listen(7000)
    hub, edge = world.pair([{"name": "raw", "ports": 7000, "target": BACKEND_V4, "client": "none"}])
    client, backend = world.flow(7000, listener)
    expect_equal(backend.getpeername()[0], HUB_BACKEND, "who connects to the backend")
    client.sendall(b"first bytes")
    client.shutdown(1)
    expect_equal(receive(backend, 11), b"first bytes", "bytes at the backend")
    expect_end(backend)
    backend.close()
    expect_end(client)
    check_books(hub, edge, 1)


@case()
def a_target_is_a_host_a_port_or_a_shifted_range(world):
    wanted = {7100: 7100, 7101: 7101, 7200: 7250, 7300: 7400, 7302: 7402, 7310: 7410}
    listeners = {port: world.listen(port) for port in wanted.values()}
    hub, _ = world.pair([
        {"name": "same", "ports": "7100-7101", "target": BACKEND_V4},
        {"name": "one", "ports": "7200", "target": f"{BACKEND_V4}:7250"},
        {"name": "shifted", "ports": "7300-7305,7310", "target": f"{BACKEND_V4}:7400+"},
    ])
    for public, port in wanted.items():
        client, backend = world.flow(public, listeners[port])
        expect_equal(backend.getsockname()[1], port, f"backend's port for public port {public}")
        backends = [flow["backend"] for flow in hub.flows() if flow["local"] == f"{EDGE_V4}:{public}"]
        expect_equal(backends, [f"{BACKEND_V4}:{port}"], f"flow of public port {public}")
        client.close()
        backend.close()
    hub.await_count("completed", len(wanted))


@case()
def a_backend_over_ipv6(world):
    listener = world.listen(7000, host="fd00:3::2")
    hub, _ = world.pair([{"name": "raw", "ports": 7000, "target": "[fd00:3::2]:7000", "client": "proxy-v2"}])
    client, backend = world.flow(7000, listener, source=CLIENTS_V4[1])
    header = receive(backend, 28)
    expect_equal(header[:16].hex(), "0d0a0d0a000d0a515549540a2111000c", "head of the PROXY v2 header")
    address = ".".join(map(str, header[16:20]))
    port = int.from_bytes(header[24:26], "big")
    expect_equal((address, port), client.getsockname(), "client in the PROXY v2 header")
    expect(hub.flows()[0]["backend"] == "[fd00:3::2]:7000", "the backend's address in flows")
