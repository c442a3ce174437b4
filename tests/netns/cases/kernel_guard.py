"""The guard: rules and limits before public UDP ports, and nowhere else."""

import json

from harness.datagrams import answers, ask, expect_nothing, row_of
from harness.runner import case
from harness.sockets import expect_echo
from harness.steered import await_packets, counted
from harness.topology import BACKEND_V4, CLIENTS_V4, CLIENTS_V6, EDGE_V4, EDGE_V6
from harness.wait import expect, expect_equal, until

ECHO = {"name": "echo", "protocol": "udp", "ports": 7000, "target": BACKEND_V4}
NETWORK, NETWORK_V6 = "192.0.2.0/24", "2001:db8:1::/64"


def guarded(node, reason):
    """Packets that the guard dropped for that reason."""
    return node.look("guard")["dropped"][reason]["packets"]


def expect_dropped(node, service, reason, at_least=1):
    """All three books have it: the guard's, the programs', and the service's row."""
    await_packets(node, "edge_xdp", reason, at_least)
    until(lambda: guarded(node, reason) == counted(node, "edge_xdp", reason), f"the guard counts {reason}")
    until(lambda: row_of(node, service, "client_to_tunnel")["reasons"].get(reason, 0) >= at_least,
          f"the ledger of {service} has {at_least} {reason}")


def rules(node, *within):
    return {row["prefix"]: row["action"] for row in node.look("guard", *within)["rules"]}


@case(kernel=True, short=True)
def a_blocked_session_stops(world):
    world.udp_echo(7000)
    _, edge = world.pair([ECHO])
    client, other = world.udp_client(7000), world.udp_client(7000, EDGE_V6, CLIENTS_V6[0])
    for one in (client, other):
        ask(one, b"before")
    edge.ctl("guard", "block", CLIENTS_V4[0])
    for _ in range(5):
        client.send(b"blocked")
    expect_dropped(edge, "echo", "blocked", 5)
    expect_nothing(client)
    ask(other, b"another source goes on")
    edge.ctl("guard", "block", NETWORK_V6)
    other.send(b"blocked too")
    expect_dropped(edge, "echo", "blocked", 6)
    expect_equal(rules(edge), {CLIENTS_V4[0]: "block", NETWORK_V6: "block"}, "rules")
    edge.ctl("guard", "remove", CLIENTS_V4[0], NETWORK_V6)
    expect_equal(rules(edge), {}, "rules")
    for one in (client, other):
        ask(one, b"after")
    expect_equal(len(edge.sessions()), 2, "sessions")
    expect_equal(guarded(edge, "blocked"), 6, "packets blocked")


@case(kernel=True)
def an_exception_in_a_blocked_network(world):
    world.udp_echo(7000)
    _, edge = world.pair([ECHO])
    edge.ctl("guard", "block", NETWORK)
    edge.ctl("guard", "allow", CLIENTS_V4[3])
    ask(world.udp_client(7000, source=CLIENTS_V4[3]), b"the exception")
    expect(not answers(world.udp_client(7000, source=CLIENTS_V4[4])), "its neighbour is blocked")
    expect_equal(rules(edge, "--within", CLIENTS_V4[3]), {NETWORK: "block", CLIENTS_V4[3]: "allow"}, "rules")
    expect_dropped(edge, "echo", "blocked")


@case(kernel=True)
def a_list_is_loaded_whole_or_not_at_all(world):
    world.udp_echo(7000)
    _, edge = world.pair([ECHO])
    entries = [f"block 10.{n >> 8}.{n & 255}.0/24" for n in range(3000)]
    edge.ctl("guard", "load", "-", input_text="\n".join(["# a comment", f"block {CLIENTS_V4[1]}", *entries]) + "\n")
    expect_equal(edge.look("guard")["total"], 3001, "rules")
    told, = edge.events("guard_changed")
    expect_equal((told["blocked"], told["total"], told["rules"][0], len(told["rules"])),
                 (3001, 3001, f"block {CLIENTS_V4[1]}", 20), "the event")
    expect(not answers(world.udp_client(7000, source=CLIENTS_V4[1])), "a source of the list is blocked")
    ask(world.udp_client(7000), b"another is not")
    done = edge.ctl_result("guard", "load", "-", input_text="block 10.99.0.0/16\nblok 10.98.0.0/16\n")
    expect(done.returncode != 0 and "2" in done.stderr, f"the wrong line is named: {done.stderr}")
    expect_equal(edge.look("guard")["total"], 3001, "rules after a list that is wrong")
    expect_equal(len(edge.events("guard_changed")), 1, "events")


@case(kernel=True)
def what_is_not_an_assigned_udp_port_is_untouched(world):
    """An operator cannot lock himself out: TCP, and UDP of other programs."""
    world.udp_echo(7000)
    world.echo_backend(7001)
    ssh = world.keep(world.edge.listen(EDGE_V4, 22))
    own = world.keep(world.edge.udp(EDGE_V4, 5353))
    _, edge = world.pair([ECHO, {"name": "tcp", "ports": 7001, "target": BACKEND_V4}])
    client, admin = world.udp_client(7000), world.connect(22)
    served = world.accept(ssh)
    edge.ctl("guard", "block", NETWORK, "2001:db8::/32")
    client.send(b"blocked")
    expect_dropped(edge, "echo", "blocked")
    admin.sendall(b"still here")
    expect_equal(served.recv(100), b"still here", "bytes of a connection that stood before")
    world.connect(22)
    world.accept(ssh)
    expect_echo(world.connect(7001))
    query = world.udp_client(5353)
    query.send(b"for another program")
    expect_equal(own.recvfrom(100), (b"for another program", query.getsockname()), "what the other program gets")


@case(kernel=True)
def limits_are_changed_by_reload(world):
    world.udp_echo(7000)
    _, edge = world.pair([ECHO])
    client, other = world.udp_client(7000), world.udp_client(7000, source=CLIENTS_V4[1])
    for one in (client, other):
        ask(one, b"before")
    edge.write_config({"guard": {"source_rate": 1, "source_burst": 5}})
    edge.reload()
    expect_equal(edge.look("guard")["limits"]["source"], {"per_second": 1, "burst": 5}, "the limit in force")
    for n in range(50):
        client.send(b"too fast %d" % n)
    expect_dropped(edge, "echo", "rate_source", 30)
    ask(other, b"another source has a bucket of its own")
    edge.write_config({"guard": {"source_rate": 0, "source_burst": 0, "service_rate": 1, "service_burst": 5}})
    edge.reload()
    for n in range(50):
        client.send(b"too much for the service %d" % n)
    expect_dropped(edge, "echo", "rate_service", 30)
    edge.write_config({"guard": {"service_rate": 0, "service_burst": 0}})
    edge.reload()
    for one in (client, other):
        until(lambda one=one: answers(one), "it is answered without limits")
    expect_equal(len(edge.sessions()), 2, "sessions")


@case(kernel=True)
def a_limit_of_one_service_is_not_anothers(world):
    world.udp_echo(7000)
    world.udp_echo(7001)
    _, edge = world.pair([ECHO, {**ECHO, "name": "other", "ports": 7001}],
                         edge={"guard": {"service_rate": 10, "service_burst": 40}})
    busy, calm = world.udp_client(7000), world.udp_client(7001)
    for one in (busy, calm):
        ask(one, b"before")
    for n in range(200):
        busy.send(b"too much for the service %d" % n)
    expect_dropped(edge, "echo", "rate_service", 100)
    for n in range(20):
        ask(calm, b"the other service goes on %d" % n)
    expect_equal(row_of(edge, "other", "client_to_tunnel")["reasons"], {}, "drops of the other service")


@case(kernel=True)
def new_sessions_of_one_source_are_limited(world):
    world.udp_echo(7000)
    _, edge = world.pair([ECHO], edge={"guard": {"new_source_rate": 1, "new_source_burst": 10}})
    world.udp_many("flood", EDGE_V4, 7000, 400)  # twenty sources
    expect_dropped(edge, "echo", "rate_new_source", 100)
    expect(len(edge.sessions()) <= 20 * 15, f"sessions: {len(edge.sessions())}")
    held = world.udp_client(7000, source=CLIENTS_V4[0])
    until(lambda: answers(held), "a token later there is a session")
    for n in range(30):
        ask(held, b"which is not limited %d" % n)


@case(kernel=True)
def a_flood_of_frames_from_a_blocked_network(world):
    """As fast as frames come, no stranger among them reaches a socket, and a session goes on."""
    world.udp_echo(7000)
    _, edge = world.pair([ECHO])
    client = world.udp_client(7000)
    ask(client, b"before")
    edge.ctl("guard", "block", "100.64.0.0/10")
    flood = world.flood(f"{EDGE_V4}:7000", 20, "--random-sources=100.64.0.0/10", "--datagrams=200000", "--mixed")
    answered = 0
    while flood.popen.poll() is None:
        answered += answers(client)
    expect_equal(flood.wait(), 0, "the end of packetload")
    expect_equal(json.loads(flood.output())["sent"], 200000, "datagrams of the flood")
    expect(answered > 0, "the session is answered beside the flood")
    expect_dropped(edge, "echo", "blocked", 1000)
    expect(guarded(edge, "blocked") <= 200000, f"blocked: {guarded(edge, 'blocked')}")
    expect_equal(len(edge.sessions()), 1, "sessions")


@case(kernel=True, timeout=90)
def a_flood_from_false_addresses(world):
    """New sessions are limited in total; those that exist are answered all the while."""
    world.edge.ip("route", "add", "default", "via", CLIENTS_V4[0])
    for device in ("all", "client"):
        world.processes.run(["sysctl", "-qw", f"net.ipv4.conf.{device}.rp_filter=0"], world.edge)
    world.udp_echo(7000)
    world.udp_backend(7001)
    hub, edge = world.pair([ECHO, {**ECHO, "name": "sink", "ports": 7001}],
                           edge={"guard": {"new_total_rate": 200, "new_total_burst": 100}})
    clients = [world.udp_client(7000, source=CLIENTS_V4[n]) for n in range(10)]
    for one in clients:
        for _ in range(2):
            ask(one, b"before")
    ids = {row["client"]: row["id"] for row in edge.sessions()}
    flood = world.spoof(7001, 8000, 4000)
    rounds = 0
    while flood.popen.poll() is None:
        for one in clients:
            ask(one, b"beside the flood %d" % rounds)
        rounds += 1
    expect_equal((flood.wait(), flood.output().split()), (0, ["sent", "8000"]), "the flood")
    expect(rounds >= 5, f"rounds of {len(clients)} echoes beside the flood: {rounds}")
    expect_dropped(edge, "sink", "rate_new_total", 5000)
    rows = edge.sessions()
    expect_equal({row["client"]: row["id"] for row in rows if row["service"] == "echo"}, ids, "assured sessions")
    expect(len(rows) < 2500, f"sessions at the edge: {len(rows)}")
    expect(len(hub.sessions()) < 2500, f"sessions at the hub: {len(hub.sessions())}")
