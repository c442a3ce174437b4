"""UDP services of programs that others wrote, asked by clients that others wrote."""

from harness.datagrams import ask, dropped, expect_all_arrived, port_of
from harness.peers import Iperf, interrupt
from harness.runner import case
from harness.topology import BACKEND_V4, BACKEND_V6, CLIENTS_V4, EDGE_V4, HUB_BACKEND
from harness.udp_peers import Coturn, Dnsdist, await_clients, buffer_errors, dig_by_every_way, dnsperf
from harness.wait import expect, expect_equal, until

DNS = {"name": "dns", "protocol": "both", "ports": 53, "target": f"{BACKEND_V4}:{Dnsdist.port}", "client": "proxy-v2"}
QUERIES = 20_000
BULK_ECHOES = 300


@case(short=True)
def dnsdist_sees_the_client(world):
    """By UDP and TCP, over both families, from a backend address of either."""
    dnsdist = Dnsdist(world)
    hub, edge = world.pair([DNS, {**DNS, "name": "dns-v6", "ports": 5300, "target": f"[{BACKEND_V6}]:{Dnsdist.port}"}])
    wanted = dig_by_every_way(world, (53, 5300))
    expect_equal(sorted(await_clients(dnsdist, len(wanted))), sorted(wanted), "clients in dnsdist's log")
    for node in (hub, edge):
        expect_equal(len(node.sessions()), 4, f"sessions at {node.name}")
        node.await_count("completed", 4)
    expect_all_arrived(hub, edge)


@case()
def dnsperf_loads_dnsdist(world):
    """Fifty clients, twenty thousand queries: what is not answered is in the books."""
    dnsdist = Dnsdist(world)
    hub, edge = world.pair([DNS])
    sent, completed = dnsperf(world, EDGE_V4, 53, CLIENTS_V4[5], 50, QUERIES)
    expect_equal(sent, QUERIES, "queries sent")
    booked = in_the_books(world, hub, edge)
    expect(sent - completed <= booked, f"{sent - completed} queries without an answer, {booked} in the books")
    expect(completed > QUERIES * 0.9, f"most are answered: {completed}")
    expect_equal({client.rsplit(":", 1)[0] for client in dnsdist.clients()}, {CLIENTS_V4[5]}, "whom dnsdist saw")
    for node in (hub, edge):
        rows = node.sessions("--service", "dns")
        expect_equal(len(rows), 50, f"sessions at {node.name}")
        expect_equal({row["state"] for row in rows}, {"assured"}, f"their states at {node.name}")
    counted = sum(row["to_backend"]["datagrams"] for row in edge.sessions()) + dropped(edge).get("overrun", 0)
    expect_equal(counted, sent, "queries that the edge has counted")


@case(short=True)
def iperf3_both_ways(world):
    """Control over TCP, data over UDP, on one port; what is lost is in the books."""
    iperf = Iperf(world)
    hub, edge = world.pair([{"name": "iperf", "protocol": "both", "ports": Iperf.port, "target": BACKEND_V4}])
    for options in (["-P", "2"], ["-P", "2", "-R"]):
        lost_before = in_the_books(world, hub, edge)
        end = iperf.finish(iperf.start(EDGE_V4, Iperf.port, "-u", "-b", "20M", "-l", "1200", "-t", "1", *options))
        total = end["sum"]
        expect(total["packets"] > 1000, f"iperf3 {options} sent {total['packets']} datagrams")
        booked = in_the_books(world, hub, edge) - lost_before
        lost = total["lost_packets"]
        expect(lost <= booked, f"iperf3 {options} lost {lost} datagrams, the books have {booked}")
    expect_equal({row["service"] for row in hub.sessions()}, {"iperf"}, "services with sessions")


def in_the_books(world, hub, edge):
    return sum(dropped(hub, edge).values()) + sum(buffer_errors(world, at) for at in (world.client, world.backend))


@case()
def coturn_tells_the_hubs_source(world):
    coturn = Coturn(world)
    hub, edge = world.pair([{"name": "stun", "protocol": "udp", "ports": Coturn.port, "target": BACKEND_V4}])
    told = coturn.ask(EDGE_V4, Coturn.port)
    row, = hub.sessions()
    expect_equal(told, f"{HUB_BACKEND}:{port_of(row['source'])}", "the address that coturn saw, and the hub's source")
    again = coturn.ask(EDGE_V4, Coturn.port)
    expect(again != told, "another client port, another source")
    expect_all_arrived(hub, edge)


@case(short=True)
def bulk_in_the_same_tunnel_does_not_starve_datagrams(world):
    iperf = Iperf(world)
    world.udp_echo(7000)
    hub, edge = world.pair([{"name": "iperf", "ports": Iperf.port, "target": BACKEND_V4},
                            {"name": "echo", "protocol": "udp", "ports": 7000, "target": BACKEND_V4}],
                           edge={"edge": {"carriers": 1}})
    client = world.udp_client(7000)
    for options in (["-P", "4"], ["-P", "4", "-R"]):
        way = "to_client" if "-R" in options else "to_backend"
        before = int(hub.status()["bytes"][way])
        load = iperf.start(EDGE_V4, Iperf.port, "-t", "200", *options)  # is ended before
        until(lambda way=way, before=before: int(hub.status()["bytes"][way]) > before + (8 << 20), "iperf3 is running")
        for n in range(BULK_ECHOES):
            ask(client, b"%d beside bulk " % n + bytes(n))
        expect(load.popen.poll() is None, f"{BULK_ECHOES} echoes came back while iperf3 {options} was running")
        interrupt(load)
    expect_equal(dropped(hub, edge), {}, "datagrams dropped")
